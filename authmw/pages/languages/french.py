"""French, which addresses people as "vous"."""

# Non-breaking hyphens on the pages, so that no line ends in the middle of the word, and non-breaking spaces in front of
# punctuation, so that no line begins with it.
from __future__ import annotations

from typing import Final

from authmw.pages.languages.texts import Counted, Texts

FRENCH: Final = Texts(
    tag="fr",
    in_seconds=Counted("dans 1 seconde", "dans {n} secondes"),
    in_minutes=Counted("dans 1 minute", "dans {n} minutes"),
    in_hours=Counted("dans 1 heure", "dans {n} heures"),
    minutes_ago=Counted("il y a 1 minute", "il y a {n} minutes"),
    hours_ago=Counted("il y a 1 heure", "il y a {n} heures"),
    days_ago=Counted("il y a 1 jour", "il y a {n} jours"),
    just_now="à l’instant",
    lasting_minutes=Counted("1 minute", "{n} minutes"),
    lasting_hours=Counted("1 heure", "{n} heures"),
    lasting_days=Counted("1 jour", "{n} jours"),
    date="{day} {month} {year}",
    first_day="1er",
    months=(
        *("janvier", "février", "mars", "avril", "mai", "juin"),
        *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    ),
    error_title="Erreur : {title}",
    problem="Il y a un problème",
    wrong_credentials="Le nom d’utilisateur ou le mot de passe est incorrect.",
    wrong_password="Le mot de passe est incorrect.",
    step_wrong="Ce n’est pas correct.",
    throttled="Il y a eu trop de tentatives. Veuillez réessayer {time}.",
    throttled_for_a_while="Il y a eu trop de tentatives. Veuillez réessayer plus tard.",
    form_expired="Le formulaire est resté ouvert trop longtemps. Veuillez l’envoyer à nouveau.",
    field_missing="Veuillez remplir tous les champs.",
    passwords_differ="Les deux nouveaux mots de passe ne sont pas identiques.",
    password_too_short="Le nouveau mot de passe est trop court. Utilisez au moins {n} caractères.",
    password_too_long="Le nouveau mot de passe est trop long.",
    password_unacceptable=(
        "Ce mot de passe est trop facile à deviner ou ne peut pas être utilisé. Veuillez en choisir un autre."
    ),
    username="Nom d’utilisateur",
    password="Mot de passe",
    log_in="Se connecter",
    remember="Rester connecté sur cet appareil",
    forgot_password="Mot de passe oublié ?",
    confirm_identity="Confirmez votre identité",
    confirm_identity_lead=(
        "Vous êtes connecté en tant que {username}. Pour continuer, veuillez saisir à nouveau votre mot de passe."
    ),
    proceed="Continuer",
    log_out="Se déconnecter",
    log_out_question="Voulez-vous vous déconnecter ?",
    logged_out="Vous êtes déconnecté",
    logged_out_lead="Vous pouvez maintenant fermer cette fenêtre.",
    log_in_again="Se reconnecter",
    change_password="Changer de mot de passe",
    old_password="Mot de passe actuel",
    new_password="Nouveau mot de passe",
    new_password_again="Répétez le nouveau mot de passe",
    password_hint=("Au moins {n} caractères. Quelques mots à la suite sont faciles à retenir et difficiles à deviner."),
    password_changed="Mot de passe modifié",
    password_changed_lead="Connectez-vous désormais avec votre nouveau mot de passe.",
    forgotten_password="Mot de passe oublié",
    forgotten_password_lead=(
        "Saisissez votre nom d’utilisateur ou votre adresse e‑mail. "
        "Nous vous enverrons un lien pour choisir un nouveau mot de passe."
    ),
    account="Nom d’utilisateur ou adresse e‑mail",
    send_link="Envoyer le lien",
    link_sent="Consultez votre messagerie",
    link_sent_lead=("Si un compte correspond à votre saisie, un lien vient d’être envoyé à son adresse e‑mail."),
    link_sent_hint=(
        "Toujours rien après quelques minutes ? Vérifiez vos courriers indésirables ou demandez un autre lien."
    ),
    back_to_login="Retour à la connexion",
    reset_password="Choisissez un nouveau mot de passe",
    save_password="Enregistrer le mot de passe",
    verify_email="Confirmez votre adresse e‑mail",
    verify_email_lead="L’adresse {email} est-elle bien la vôtre ?",
    confirm_email="Oui, confirmer l’adresse",
    email_verified="Adresse e‑mail confirmée",
    email_verified_lead="Merci. Nous pouvons désormais vous joindre à l’adresse {email}.",
    link_expired="Ce lien n’est plus valable",
    link_expired_lead="Il a déjà été utilisé ou il est trop ancien.",
    ask_again="Demander un nouveau lien",
    sessions="Où vous êtes connecté",
    sessions_lead="Si vous ne reconnaissez pas l’une de ces connexions, mettez-y fin et changez de mot de passe.",
    no_sessions="Vous n’êtes connecté nulle part.",
    this_session="Cet appareil",
    browser="Navigateur",
    app="Application",
    unknown_device="Appareil inconnu",
    started="Connexion : {time}",
    last_used="Dernière utilisation : {time}",
    remembered="Reste connecté",
    end_session="Déconnecter",
    end_all="Déconnecter partout",
    end_all_lead="Vous serez également déconnecté de cet appareil.",
    bad_request="Cette demande n’est pas valide",
    bad_request_lead="Veuillez revenir en arrière et réessayer.",
    form_expired_title="Ce formulaire a expiré",
    form_expired_lead="Rien n’a été modifié. Veuillez rouvrir la page et envoyer à nouveau le formulaire.",
    cross_site="Cette demande provient d’un autre site",
    cross_site_lead=(
        "Pour protéger votre compte, rien n’a été modifié. "
        "Si vous êtes à l’origine de cette demande, veuillez la faire ici, sur ce site."
    ),
    forbidden="Vous n’avez pas accès",
    forbidden_lead="Votre compte n’est pas autorisé à consulter cette page.",
    not_found="Page introuvable",
    not_found_lead="Veuillez vérifier que l’adresse est correcte.",
    too_many="Trop de tentatives",
    unavailable="Indisponible pour le moment",
    unavailable_lead="Votre compte n’est pas en cause. Veuillez réessayer dans un instant.",
    try_again="Réessayer",
    imprint="Mentions légales",
    privacy="Confidentialité",
    recovery_subject="Choisissez un nouveau mot de passe",
    recovery_body="""\
Bonjour {username},

Quelqu’un, sans doute vous, a demandé un nouveau mot de passe pour votre compte. Pour le choisir, ouvrez ce lien :

{link}

Ce lien ne fonctionne qu’une fois et reste valable {time}.

Si vous n’êtes pas à l’origine de cette demande, vous pouvez ignorer ce message. Votre mot de passe n’a pas été modifié.
""",
    verification_subject="Confirmez votre adresse e-mail",
    verification_body="""\
Bonjour {username},

Veuillez confirmer que cette adresse e-mail est bien la vôtre. Pour cela, ouvrez ce lien :

{link}

Ce lien ne fonctionne qu’une fois et reste valable {time}.

Si vous n’avez pas de compte chez nous, vous pouvez ignorer ce message.
""",
    changed_subject="Votre mot de passe a été modifié",
    changed_body="""\
Bonjour {username},

Le mot de passe de votre compte a été modifié le {time}.

Si vous êtes à l’origine de ce changement, vous n’avez rien d’autre à faire.

Dans le cas contraire, choisissez immédiatement un nouveau mot de passe :

{link}
""",
)
