"""What rows with secrets have in common: those of webhooks and those of webfilters.

secrets, encryption   what nobody is shown, encrypted in one column
rows          the columns of all, and a save that writes over nobody's work
changes       a row with changes as of a merge patch; credentials that do not follow a URL to another host
refusals      why something that was asked for was not done
form_fields, forms    the admin's form of a declaration of settings; offers: names that its fields offer
admin         what the admin's pages of both have in common
"""
