"""German, which addresses people as "Sie"."""

# Non-breaking hyphens on the pages, so that no line ends in the middle of the word.
from __future__ import annotations

from typing import Final

from authmw.pages.languages.texts import Counted, Texts

GERMAN: Final = Texts(
    tag="de",
    in_seconds=Counted("in 1 Sekunde", "in {n} Sekunden"),
    in_minutes=Counted("in 1 Minute", "in {n} Minuten"),
    in_hours=Counted("in 1 Stunde", "in {n} Stunden"),
    minutes_ago=Counted("vor 1 Minute", "vor {n} Minuten"),
    hours_ago=Counted("vor 1 Stunde", "vor {n} Stunden"),
    days_ago=Counted("vor 1 Tag", "vor {n} Tagen"),
    just_now="gerade eben",
    lasting_minutes=Counted("1 Minute", "{n} Minuten"),
    lasting_hours=Counted("1 Stunde", "{n} Stunden"),
    lasting_days=Counted("1 Tag", "{n} Tage"),
    date="{day}. {month} {year}",
    months=(
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
    error_title="Fehler: {title}",
    problem="Es gibt ein Problem",
    wrong_credentials="Der Benutzername oder das Passwort ist falsch.",
    wrong_password="Das Passwort ist falsch.",
    step_wrong="Das ist nicht richtig.",
    throttled="Es gab zu viele Versuche. Bitte versuchen Sie es {time} noch einmal.",
    throttled_for_a_while="Es gab zu viele Versuche. Bitte versuchen Sie es später noch einmal.",
    form_expired="Das Formular war zu lange geöffnet. Bitte senden Sie es noch einmal ab.",
    field_missing="Bitte füllen Sie alle Felder aus.",
    passwords_differ="Die beiden neuen Passwörter stimmen nicht überein.",
    password_too_short="Das neue Passwort ist zu kurz. Verwenden Sie mindestens {n} Zeichen.",
    password_too_long="Das neue Passwort ist zu lang.",
    password_unacceptable=(
        "Dieses Passwort ist zu leicht zu erraten oder kann nicht verwendet werden. Bitte wählen Sie ein anderes."
    ),
    username="Benutzername",
    password="Passwort",
    log_in="Anmelden",
    remember="Auf diesem Gerät angemeldet bleiben",
    forgot_password="Passwort vergessen?",
    confirm_identity="Bestätigen Sie, dass Sie es sind",
    confirm_identity_lead=(
        "Sie sind als {username} angemeldet. Bitte geben Sie Ihr Passwort noch einmal ein, um fortzufahren."
    ),
    proceed="Weiter",
    log_out="Abmelden",
    log_out_question="Möchten Sie sich abmelden?",
    logged_out="Sie sind abgemeldet",
    logged_out_lead="Sie können dieses Fenster jetzt schließen.",
    log_in_again="Wieder anmelden",
    change_password="Passwort ändern",
    old_password="Aktuelles Passwort",
    new_password="Neues Passwort",
    new_password_again="Neues Passwort wiederholen",
    password_hint=(
        "Mindestens {n} Zeichen. Mehrere Wörter hintereinander sind leicht zu merken und schwer zu erraten."
    ),
    password_changed="Passwort geändert",
    password_changed_lead="Melden Sie sich ab jetzt mit Ihrem neuen Passwort an.",
    forgotten_password="Passwort vergessen",
    forgotten_password_lead=(
        "Geben Sie Ihren Benutzernamen oder Ihre E‑Mail-Adresse ein. "
        "Wir senden Ihnen einen Link, mit dem Sie ein neues Passwort wählen können."
    ),
    account="Benutzername oder E‑Mail-Adresse",
    send_link="Link senden",
    link_sent="Prüfen Sie Ihre E‑Mails",
    link_sent_lead=("Wenn es zu Ihrer Eingabe ein Konto gibt, ist ein Link an dessen E‑Mail-Adresse unterwegs."),
    link_sent_hint=(
        "Nach einigen Minuten noch nichts da? Sehen Sie im Spam-Ordner nach, oder fordern Sie einen neuen Link an."
    ),
    back_to_login="Zurück zur Anmeldung",
    reset_password="Neues Passwort wählen",
    save_password="Passwort speichern",
    verify_email="E‑Mail-Adresse bestätigen",
    verify_email_lead="Gehört {email} Ihnen?",
    confirm_email="Ja, Adresse bestätigen",
    email_verified="E‑Mail-Adresse bestätigt",
    email_verified_lead="Vielen Dank. Wir können Sie ab jetzt unter {email} erreichen.",
    link_expired="Dieser Link ist nicht mehr gültig",
    link_expired_lead="Er wurde bereits verwendet oder ist zu alt.",
    ask_again="Neuen Link anfordern",
    sessions="Wo Sie angemeldet sind",
    sessions_lead=(
        "Wenn Sie eine dieser Anmeldungen nicht kennen, melden Sie sich dort ab und ändern Sie Ihr Passwort."
    ),
    no_sessions="Sie sind nirgendwo angemeldet.",
    this_session="Dieses Gerät",
    browser="Browser",
    app="App",
    unknown_device="Unbekanntes Gerät",
    started="Angemeldet: {time}",
    last_used="Zuletzt verwendet: {time}",
    remembered="Bleibt angemeldet",
    end_session="Abmelden",
    end_all="Überall abmelden",
    end_all_lead="Damit werden Sie auch auf diesem Gerät abgemeldet.",
    bad_request="Diese Anfrage ist ungültig",
    bad_request_lead="Bitte gehen Sie zurück und versuchen Sie es noch einmal.",
    form_expired_title="Dieses Formular ist abgelaufen",
    form_expired_lead=(
        "Es wurde nichts geändert. Bitte öffnen Sie die Seite neu und senden Sie das Formular noch einmal ab."
    ),
    cross_site="Diese Anfrage kam von einer anderen Website",
    cross_site_lead=(
        "Zum Schutz Ihres Kontos wurde nichts geändert. "
        "Wenn Sie das wirklich wollten, tun Sie es bitte hier auf dieser Website."
    ),
    forbidden="Sie haben keinen Zugriff",
    forbidden_lead="Ihr Konto hat für diese Seite keine Berechtigung.",
    not_found="Seite nicht gefunden",
    not_found_lead="Bitte prüfen Sie die Adresse auf Tippfehler.",
    too_many="Zu viele Versuche",
    unavailable="Im Moment nicht verfügbar",
    unavailable_lead="Das hat nichts mit Ihrem Konto zu tun. Bitte versuchen Sie es gleich noch einmal.",
    try_again="Noch einmal versuchen",
    imprint="Impressum",
    privacy="Datenschutz",
    recovery_subject="Neues Passwort wählen",
    recovery_body="""\
Guten Tag {username},

jemand, vermutlich Sie, hat für Ihr Konto ein neues Passwort angefordert. Um eines zu wählen, öffnen Sie diesen Link:

{link}

Der Link funktioniert einmal und gilt {time}.

Wenn Sie das nicht waren, können Sie diese Nachricht ignorieren. Ihr Passwort wurde nicht geändert.
""",
    verification_subject="E-Mail-Adresse bestätigen",
    verification_body="""\
Guten Tag {username},

bitte bestätigen Sie, dass diese E-Mail-Adresse Ihnen gehört. Öffnen Sie dazu diesen Link:

{link}

Der Link funktioniert einmal und gilt {time}.

Wenn Sie bei uns kein Konto haben, können Sie diese Nachricht ignorieren.
""",
    changed_subject="Ihr Passwort wurde geändert",
    changed_body="""\
Guten Tag {username},

das Passwort Ihres Kontos wurde am {time} geändert.

Wenn Sie das waren, ist nichts weiter zu tun.

Wenn Sie das nicht waren, wählen Sie sofort ein neues Passwort:

{link}
""",
)
