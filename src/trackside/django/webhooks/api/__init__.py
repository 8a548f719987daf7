"""The API of the webhooks: JSON in and out, problems by setting.

urls      paths
who       whose request it is, and what they may do
exchange  a request's JSON in, an answer's JSON out
shown     what of a webhook, a test, a dead letter goes out
views     what each path does
"""
