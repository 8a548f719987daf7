"""Webfilters in a Django project.

models, content   the rows, read and checked as hooks of the settings are; actions: what people do with them
rows          the rows as a process knows them; following: asked with the hooks of the settings as one
clients       through which client a question goes, and with that where to
keeping       the audit: questions as rows, whatever becomes of the caller's transaction
admin, forms, showing, question_admin   the pages
settings      whom the project's filter points ask, as the Django settings say
installing    asking them, from the start of a process on
transactions  whether a question holds up a transaction
"""
