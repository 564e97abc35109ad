"""E-mail about voicemail: who gets one, what is in it, and that it is sent once.

`consumer` gets the events and stores a `models.Mail` for each; `sending/` sends it; `templates` and `rendering` make
its text of Kazoo's template documents, or of `own_templates/`.
"""
