"""A Django project with the admin beside tokens, views, Django REST framework, and a websocket of Channels."""
