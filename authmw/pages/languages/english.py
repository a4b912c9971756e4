"""English."""

from __future__ import annotations

from typing import Final

from authmw.pages.languages.texts import Counted, Texts

ENGLISH: Final = Texts(
    tag="en",
    in_seconds=Counted("in 1 second", "in {n} seconds"),
    in_minutes=Counted("in 1 minute", "in {n} minutes"),
    in_hours=Counted("in 1 hour", "in {n} hours"),
    minutes_ago=Counted("1 minute ago", "{n} minutes ago"),
    hours_ago=Counted("1 hour ago", "{n} hours ago"),
    days_ago=Counted("1 day ago", "{n} days ago"),
    just_now="just now",
    lasting_minutes=Counted("1 minute", "{n} minutes"),
    lasting_hours=Counted("1 hour", "{n} hours"),
    lasting_days=Counted("1 day", "{n} days"),
    date="{day} {month} {year}",
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    error_title="Error: {title}",
    problem="There is a problem",
    wrong_credentials="The user name or the password is wrong.",
    wrong_password="The password is wrong.",
    step_wrong="That is not correct.",
    throttled="There were too many attempts. Please try again {time}.",
    throttled_for_a_while="There were too many attempts. Please try again later.",
    form_expired="The form was open for too long. Please send it again.",
    field_missing="Please fill in every field.",
    passwords_differ="The two new passwords are not the same.",
    password_too_short="The new password is too short. Use at least {n} characters.",
    password_too_long="The new password is too long.",
    password_unacceptable="This password is too easy to guess, or cannot be used. Please choose another one.",
    username="User name",
    password="Password",
    log_in="Log in",
    remember="Keep me logged in on this device",
    forgot_password="Forgot your password?",
    confirm_identity="Confirm that it is you",
    confirm_identity_lead="You are logged in as {username}. To continue, please enter your password again.",
    proceed="Continue",
    log_out="Log out",
    log_out_question="Do you want to log out?",
    logged_out="You are logged out",
    logged_out_lead="You can close this window now.",
    log_in_again="Log in again",
    change_password="Change password",
    old_password="Current password",
    new_password="New password",
    new_password_again="Repeat the new password",
    password_hint="At least {n} characters. A few words in a row are easy to remember and hard to guess.",
    password_changed="Password changed",
    password_changed_lead="From now on, log in with your new password.",
    forgotten_password="Forgotten password",
    forgotten_password_lead="Enter your user name or email address. We will send you a link to choose a new password.",
    account="User name or email address",
    send_link="Send link",
    link_sent="Check your email",
    link_sent_lead="If there is an account for what you entered, a link is on its way to its email address.",
    link_sent_hint="Nothing after a few minutes? Look in your spam folder, or ask for another link.",
    back_to_login="Back to log in",
    reset_password="Choose a new password",
    save_password="Save password",
    verify_email="Confirm your email address",
    verify_email_lead="Does {email} belong to you?",
    confirm_email="Yes, confirm the address",
    email_verified="Email address confirmed",
    email_verified_lead="Thank you. We can reach you at {email} from now on.",
    link_expired="This link no longer works",
    link_expired_lead="It has been used already, or it is too old.",
    ask_again="Ask for a new link",
    sessions="Where you are logged in",
    sessions_lead="If one of these was not you, log it out there and change your password.",
    no_sessions="You are not logged in anywhere.",
    this_session="This device",
    browser="Browser",
    app="App",
    unknown_device="Unknown device",
    started="Logged in: {time}",
    last_used="Last used: {time}",
    remembered="Stays logged in",
    end_session="Log out",
    end_all="Log out everywhere",
    end_all_lead="This logs you out on this device too.",
    bad_request="This request is not valid",
    bad_request_lead="Please go back and try again.",
    form_expired_title="This form has expired",
    form_expired_lead="Nothing was changed. Please open the page again and resend the form.",
    cross_site="This request came from another website",
    cross_site_lead=(
        "To protect your account, nothing was changed. If you wanted this, please do it here on this website."
    ),
    forbidden="You do not have access",
    forbidden_lead="Your account has no permission for this page.",
    not_found="Page not found",
    not_found_lead="Please check the address for mistakes.",
    too_many="Too many attempts",
    unavailable="Not available at the moment",
    unavailable_lead="This has nothing to do with your account. Please try again in a moment.",
    try_again="Try again",
    imprint="Legal notice",
    privacy="Privacy",
    recovery_subject="Choose a new password",
    recovery_body="""\
Hello {username},

somebody, probably you, asked for a new password for your account. To choose one, open this link:

{link}

The link works once, for {time}.

If this was not you, you can ignore this message. Your password has not been changed.
""",
    verification_subject="Confirm your email address",
    verification_body="""\
Hello {username},

please confirm that this email address belongs to you. To do so, open this link:

{link}

The link works once, for {time}.

If you do not have an account with us, you can ignore this message.
""",
    changed_subject="Your password was changed",
    changed_body="""\
Hello {username},

the password of your account was changed on {time}.

If this was you, there is nothing more to do.

If this was not you, choose a new password now:

{link}
""",
)
