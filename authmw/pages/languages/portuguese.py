"""Portuguese, as it is written in Brazil."""

# Non-breaking hyphens on the pages, so that no line ends in the middle of the word.
from __future__ import annotations

from typing import Final

from authmw.pages.languages.texts import Counted, Texts

PORTUGUESE: Final = Texts(
    tag="pt-BR",
    in_seconds=Counted("em 1 segundo", "em {n} segundos"),
    in_minutes=Counted("em 1 minuto", "em {n} minutos"),
    in_hours=Counted("em 1 hora", "em {n} horas"),
    minutes_ago=Counted("há 1 minuto", "há {n} minutos"),
    hours_ago=Counted("há 1 hora", "há {n} horas"),
    days_ago=Counted("há 1 dia", "há {n} dias"),
    just_now="agora mesmo",
    lasting_minutes=Counted("1 minuto", "{n} minutos"),
    lasting_hours=Counted("1 hora", "{n} horas"),
    lasting_days=Counted("1 dia", "{n} dias"),
    date="{day} de {month} de {year}",
    months=(
        *("janeiro", "fevereiro", "março", "abril", "maio", "junho"),
        *("julho", "agosto", "setembro", "outubro", "novembro", "dezembro"),
    ),
    error_title="Erro: {title}",
    problem="Há um problema",
    wrong_credentials="Nome de usuário ou senha incorretos.",
    wrong_password="A senha está incorreta.",
    step_wrong="Não está correto.",
    throttled="Houve tentativas demais. Tente novamente {time}.",
    throttled_for_a_while="Houve tentativas demais. Tente novamente mais tarde.",
    form_expired="O formulário ficou aberto por tempo demais. Envie-o novamente.",
    field_missing="Preencha todos os campos.",
    passwords_differ="As duas senhas novas não são iguais.",
    password_too_short="A nova senha é curta demais. Use pelo menos {n} caracteres.",
    password_too_long="A nova senha é longa demais.",
    password_unacceptable="Esta senha é fácil demais de adivinhar ou não pode ser usada. Escolha outra.",
    username="Nome de usuário",
    password="Senha",
    log_in="Entrar",
    remember="Manter-me conectado neste dispositivo",
    forgot_password="Esqueceu a senha?",
    confirm_identity="Confirme que é você",
    confirm_identity_lead="Você entrou como {username}. Para continuar, digite sua senha novamente.",
    proceed="Continuar",
    log_out="Sair",
    log_out_question="Deseja sair?",
    logged_out="Você saiu da sua conta",
    logged_out_lead="Agora você pode fechar esta janela.",
    log_in_again="Entrar novamente",
    change_password="Alterar a senha",
    old_password="Senha atual",
    new_password="Nova senha",
    new_password_again="Repita a nova senha",
    password_hint=(
        "Pelo menos {n} caracteres. Algumas palavras em sequência são fáceis de lembrar e difíceis de adivinhar."
    ),
    password_changed="Senha alterada",
    password_changed_lead="A partir de agora, entre com a nova senha.",
    forgotten_password="Senha esquecida",
    forgotten_password_lead=(
        "Digite seu nome de usuário ou seu e‑mail. Enviaremos um link para você escolher uma nova senha."
    ),
    account="Nome de usuário ou e‑mail",
    send_link="Enviar link",
    link_sent="Verifique seu e‑mail",
    link_sent_lead="Se houver uma conta com os dados que você digitou, um link chegará ao e‑mail dela.",
    link_sent_hint="Nada depois de alguns minutos? Procure na pasta de spam ou peça outro link.",
    back_to_login="Voltar ao login",
    reset_password="Escolha uma nova senha",
    save_password="Salvar a senha",
    verify_email="Confirme seu e‑mail",
    verify_email_lead="O endereço {email} é seu?",
    confirm_email="Sim, confirmar o endereço",
    email_verified="E‑mail confirmado",
    email_verified_lead="Obrigado. A partir de agora, podemos falar com você por {email}.",
    link_expired="Este link não é mais válido",
    link_expired_lead="Ele já foi usado ou é antigo demais.",
    ask_again="Pedir um novo link",
    sessions="Onde você está conectado",
    sessions_lead="Se você não reconhece alguma destas sessões, encerre-a e altere sua senha.",
    no_sessions="Você não está conectado em nenhum lugar.",
    this_session="Este dispositivo",
    browser="Navegador",
    app="Aplicativo",
    unknown_device="Dispositivo desconhecido",
    started="Entrou: {time}",
    last_used="Último uso: {time}",
    remembered="Permanece conectado",
    end_session="Encerrar",
    end_all="Sair de todos os dispositivos",
    end_all_lead="Você também sairá neste dispositivo.",
    bad_request="Esta solicitação não é válida",
    bad_request_lead="Volte e tente novamente.",
    form_expired_title="Este formulário expirou",
    form_expired_lead="Nada foi alterado. Abra a página novamente e reenvie o formulário.",
    cross_site="Esta solicitação veio de outro site",
    cross_site_lead="Para proteger sua conta, nada foi alterado. Se você queria isso, faça-o aqui, neste site.",
    forbidden="Você não tem acesso",
    forbidden_lead="Sua conta não tem permissão para ver esta página.",
    not_found="Página não encontrada",
    not_found_lead="Verifique se o endereço está correto.",
    too_many="Tentativas demais",
    unavailable="Indisponível no momento",
    unavailable_lead="Isso não tem relação com sua conta. Tente novamente daqui a pouco.",
    try_again="Tentar novamente",
    imprint="Aviso legal",
    privacy="Privacidade",
    recovery_subject="Escolha uma nova senha",
    recovery_body="""\
Olá, {username}!

Alguém, provavelmente você, pediu uma nova senha para sua conta. Para escolhê-la, abra este link:

{link}

O link funciona uma única vez e é válido por {time}.

Se não foi você, ignore esta mensagem. Sua senha não foi alterada.
""",
    verification_subject="Confirme seu e-mail",
    verification_body="""\
Olá, {username}!

Confirme que este endereço de e-mail é seu. Para isso, abra este link:

{link}

O link funciona uma única vez e é válido por {time}.

Se você não tem uma conta conosco, ignore esta mensagem.
""",
    changed_subject="Sua senha foi alterada",
    changed_body="""\
Olá, {username}!

A senha da sua conta foi alterada em {time}.

Se foi você, não é preciso fazer mais nada.

Se não foi você, escolha agora mesmo uma nova senha:

{link}
""",
)
