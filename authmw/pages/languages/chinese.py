"""Chinese, in simplified characters."""

from __future__ import annotations

from typing import Final

from authmw.pages.languages.texts import Counted, Texts

CHINESE: Final = Texts(
    tag="zh-Hans",
    in_seconds=Counted("1 秒后", "{n} 秒后"),
    in_minutes=Counted("1 分钟后", "{n} 分钟后"),
    in_hours=Counted("1 小时后", "{n} 小时后"),
    minutes_ago=Counted("1 分钟前", "{n} 分钟前"),
    hours_ago=Counted("1 小时前", "{n} 小时前"),
    days_ago=Counted("1 天前", "{n} 天前"),
    just_now="刚刚",
    lasting_minutes=Counted("1 分钟", "{n} 分钟"),
    lasting_hours=Counted("1 小时", "{n} 小时"),
    lasting_days=Counted("1 天", "{n} 天"),
    date="{year} 年 {month} {day} 日",
    months=("1 月", "2 月", "3 月", "4 月", "5 月", "6 月", "7 月", "8 月", "9 月", "10 月", "11 月", "12 月"),
    error_title="错误：{title}",
    problem="出现问题",
    wrong_credentials="用户名或密码不正确。",
    wrong_password="密码不正确。",
    step_wrong="输入不正确。",
    throttled="尝试次数过多，请在 {time}重试。",
    throttled_for_a_while="尝试次数过多，请稍后重试。",
    form_expired="表单打开时间过长，请重新提交。",
    field_missing="请填写所有字段。",
    passwords_differ="两次输入的新密码不一致。",
    password_too_short="新密码太短，请至少使用 {n} 个字符。",
    password_too_long="新密码太长。",
    password_unacceptable="此密码太容易被猜到或无法使用，请换一个密码。",
    username="用户名",
    password="密码",
    log_in="登录",
    remember="在此设备上保持登录",
    forgot_password="忘记密码？",
    confirm_identity="请确认是您本人",
    confirm_identity_lead="您已以 {username} 的身份登录。如要继续，请再次输入密码。",
    proceed="继续",
    log_out="退出登录",
    log_out_question="您要退出登录吗？",
    logged_out="您已退出登录",
    logged_out_lead="现在可以关闭此窗口。",
    log_in_again="重新登录",
    change_password="修改密码",
    old_password="当前密码",
    new_password="新密码",
    new_password_again="再次输入新密码",
    password_hint="至少 {n} 个字符。用几个词连在一起，容易记住，又不易被猜到。",
    password_changed="密码已修改",
    password_changed_lead="今后请使用新密码登录。",
    forgotten_password="忘记密码",
    forgotten_password_lead="请输入您的用户名或电子邮箱，我们会向您发送用于设置新密码的链接。",
    account="用户名或电子邮箱",
    send_link="发送链接",
    link_sent="请查收邮件",
    link_sent_lead="如果存在与您输入的内容对应的账户，链接将发送到该账户的电子邮箱。",
    link_sent_hint="几分钟后仍未收到？请查看垃圾邮件文件夹，或重新申请链接。",
    back_to_login="返回登录",
    reset_password="设置新密码",
    save_password="保存密码",
    verify_email="确认电子邮箱",
    verify_email_lead="{email} 是您的电子邮箱吗？",
    confirm_email="是，确认此邮箱",
    email_verified="电子邮箱已确认",
    email_verified_lead="谢谢。今后我们可以通过 {email} 与您联系。",
    link_expired="此链接已失效",
    link_expired_lead="链接已被使用过，或者已经过期。",
    ask_again="重新申请链接",
    sessions="您的登录设备",
    sessions_lead="如果其中有不是您本人的登录，请将其退出并修改密码。",
    no_sessions="您没有在任何设备上登录。",
    this_session="此设备",
    browser="浏览器",
    app="应用",
    unknown_device="未知设备",
    started="登录时间：{time}",
    last_used="最近使用：{time}",
    remembered="保持登录",
    end_session="退出",
    end_all="在所有设备上退出登录",
    end_all_lead="此设备也会退出登录。",
    bad_request="此请求无效",
    bad_request_lead="请返回后重试。",
    form_expired_title="表单已过期",
    form_expired_lead="未作任何更改。请重新打开页面，再次提交表单。",
    cross_site="此请求来自其他网站",
    cross_site_lead="为保护您的账户，未作任何更改。如果这是您本人的操作，请在本网站上进行。",
    forbidden="您没有访问权限",
    forbidden_lead="您的账户无权访问此页面。",
    not_found="找不到页面",
    not_found_lead="请检查网址是否正确。",
    too_many="尝试次数过多",
    unavailable="暂时无法使用",
    unavailable_lead="这与您的账户无关，请稍后重试。",
    try_again="重试",
    imprint="法律声明",
    privacy="隐私政策",
    recovery_subject="设置新密码",
    recovery_body="""\
{username}，您好：

有人（很可能是您本人）为您的账户申请了新密码。请打开以下链接设置新密码：

{link}

该链接只能使用一次，有效期为 {time}。

如果不是您本人的操作，请忽略此邮件。您的密码没有被修改。
""",
    verification_subject="确认电子邮箱",
    verification_body="""\
{username}，您好：

请确认此电子邮箱属于您。请打开以下链接进行确认：

{link}

该链接只能使用一次，有效期为 {time}。

如果您没有在我们这里注册账户，请忽略此邮件。
""",
    changed_subject="您的密码已被修改",
    changed_body="""\
{username}，您好：

您的账户密码已于 {time} 被修改。

如果是您本人的操作，则无需再做任何事。

如果不是您本人的操作，请立即设置新密码：

{link}
""",
)
