"""Webhooks that are rows of the database, beside those that the configuration file declares.

models, secrets, encryption   what a row holds; its secrets are encrypted
content       a row's settings, read and checked as the file's are
actions       what people do with them: the admin, the API and the command line call these
listing, states   what is shown: rows and the file's, and how each stands in the log
declared      what the delivery engine asks: which webhooks there are now
surroundings  the configuration and the log of the process that all this runs in
forms, admin, api, tokens   the doors
"""
