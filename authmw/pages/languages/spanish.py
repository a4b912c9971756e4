"""Spanish, which addresses people as "usted"."""

from __future__ import annotations

from typing import Final

from authmw.pages.languages.texts import Counted, Texts

SPANISH: Final = Texts(
    tag="es",
    in_seconds=Counted("dentro de 1 segundo", "dentro de {n} segundos"),
    in_minutes=Counted("dentro de 1 minuto", "dentro de {n} minutos"),
    in_hours=Counted("dentro de 1 hora", "dentro de {n} horas"),
    minutes_ago=Counted("hace 1 minuto", "hace {n} minutos"),
    hours_ago=Counted("hace 1 hora", "hace {n} horas"),
    days_ago=Counted("hace 1 día", "hace {n} días"),
    just_now="ahora mismo",
    lasting_minutes=Counted("1 minuto", "{n} minutos"),
    lasting_hours=Counted("1 hora", "{n} horas"),
    lasting_days=Counted("1 día", "{n} días"),
    date="{day} de {month} de {year}",
    months=(
        *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
        *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    ),
    error_title="Error: {title}",
    problem="Hay un problema",
    wrong_credentials="El nombre de usuario o la contraseña no son correctos.",
    wrong_password="La contraseña no es correcta.",
    step_wrong="No es correcto.",
    throttled="Ha habido demasiados intentos. Vuelva a intentarlo {time}.",
    throttled_for_a_while="Ha habido demasiados intentos. Vuelva a intentarlo más tarde.",
    form_expired="El formulario ha estado abierto demasiado tiempo. Envíelo de nuevo.",
    field_missing="Rellene todos los campos.",
    passwords_differ="Las dos contraseñas nuevas no coinciden.",
    password_too_short="La contraseña nueva es demasiado corta. Use al menos {n} caracteres.",
    password_too_long="La contraseña nueva es demasiado larga.",
    password_unacceptable="Esta contraseña es demasiado fácil de adivinar o no se puede usar. Elija otra.",
    username="Nombre de usuario",
    password="Contraseña",
    log_in="Iniciar sesión",
    remember="Mantener la sesión iniciada en este dispositivo",
    forgot_password="¿Ha olvidado su contraseña?",
    confirm_identity="Confirme que es usted",
    confirm_identity_lead=("Ha iniciado sesión como {username}. Para continuar, introduzca de nuevo su contraseña."),
    proceed="Continuar",
    log_out="Cerrar sesión",
    log_out_question="¿Quiere cerrar la sesión?",
    logged_out="Ha cerrado la sesión",
    logged_out_lead="Ya puede cerrar esta ventana.",
    log_in_again="Iniciar sesión de nuevo",
    change_password="Cambiar la contraseña",
    old_password="Contraseña actual",
    new_password="Contraseña nueva",
    new_password_again="Repita la contraseña nueva",
    password_hint=(
        "Al menos {n} caracteres. Varias palabras seguidas son fáciles de recordar y difíciles de adivinar."
    ),
    password_changed="Contraseña cambiada",
    password_changed_lead="A partir de ahora, inicie sesión con su contraseña nueva.",
    forgotten_password="Contraseña olvidada",
    forgotten_password_lead=(
        "Introduzca su nombre de usuario o su correo electrónico. "
        "Le enviaremos un enlace para elegir una contraseña nueva."
    ),
    account="Nombre de usuario o correo electrónico",
    send_link="Enviar el enlace",
    link_sent="Revise su correo electrónico",
    link_sent_lead=(
        "Si existe una cuenta con los datos que ha introducido, le llegará un enlace a su correo electrónico."
    ),
    link_sent_hint=(
        "¿No ha llegado nada después de unos minutos? Mire en la carpeta de correo no deseado o pida otro enlace."
    ),
    back_to_login="Volver al inicio de sesión",
    reset_password="Elija una contraseña nueva",
    save_password="Guardar la contraseña",
    verify_email="Confirme su correo electrónico",
    verify_email_lead="¿Es {email} su dirección?",
    confirm_email="Sí, confirmar la dirección",
    email_verified="Correo electrónico confirmado",
    email_verified_lead="Gracias. A partir de ahora podemos contactar con usted en {email}.",
    link_expired="Este enlace ya no es válido",
    link_expired_lead="Ya se ha usado o es demasiado antiguo.",
    ask_again="Pedir un enlace nuevo",
    sessions="Dónde tiene la sesión iniciada",
    sessions_lead="Si no reconoce alguna de estas sesiones, ciérrela y cambie su contraseña.",
    no_sessions="No tiene ninguna sesión iniciada.",
    this_session="Este dispositivo",
    browser="Navegador",
    app="Aplicación",
    unknown_device="Dispositivo desconocido",
    started="Inicio de sesión: {time}",
    last_used="Último uso: {time}",
    remembered="Mantiene la sesión iniciada",
    end_session="Cerrar sesión",
    end_all="Cerrar todas las sesiones",
    end_all_lead="También se cerrará la sesión en este dispositivo.",
    bad_request="Esta solicitud no es válida",
    bad_request_lead="Vuelva atrás e inténtelo de nuevo.",
    form_expired_title="Este formulario ha caducado",
    form_expired_lead="No se ha cambiado nada. Abra la página de nuevo y vuelva a enviar el formulario.",
    cross_site="Esta solicitud procede de otro sitio web",
    cross_site_lead=(
        "Para proteger su cuenta, no se ha cambiado nada. Si la solicitud es suya, hágala aquí, en este sitio web."
    ),
    forbidden="No tiene acceso",
    forbidden_lead="Su cuenta no tiene permiso para ver esta página.",
    not_found="Página no encontrada",
    not_found_lead="Compruebe que la dirección es correcta.",
    too_many="Demasiados intentos",
    unavailable="No disponible en este momento",
    unavailable_lead="No se debe a su cuenta. Vuelva a intentarlo dentro de un momento.",
    try_again="Volver a intentarlo",
    imprint="Aviso legal",
    privacy="Privacidad",
    recovery_subject="Elija una contraseña nueva",
    recovery_body="""\
Hola, {username}:

Alguien, probablemente usted, ha pedido una contraseña nueva para su cuenta. Para elegirla, abra este enlace:

{link}

El enlace funciona una sola vez y es válido durante {time}.

Si no ha sido usted, puede ignorar este mensaje. Su contraseña no se ha cambiado.
""",
    verification_subject="Confirme su correo electrónico",
    verification_body="""\
Hola, {username}:

Confirme que esta dirección de correo electrónico es suya. Para ello, abra este enlace:

{link}

El enlace funciona una sola vez y es válido durante {time}.

Si no tiene una cuenta con nosotros, puede ignorar este mensaje.
""",
    changed_subject="Su contraseña ha cambiado",
    changed_body="""\
Hola, {username}:

La contraseña de su cuenta se cambió el {time}.

Si ha sido usted, no tiene que hacer nada más.

Si no ha sido usted, elija ahora mismo una contraseña nueva:

{link}
""",
)
