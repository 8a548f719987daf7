"""JSON objects that leave: what is asked of them, what of them is sent, and how they are written.

encoding  JSON text
form      key-value pairs in form encoding
openedx   objects and forms as openedx-webhooks makes them
paths     dotted paths: globs on what is there, and selections
"""
