"""How an event becomes the body of a request, in each of the formats.

made         which format, which fields, what is redacted
cloud_event  cloudevents
form         form, in the encoding of `trackside.document.form`
openedx      openedx, openedx_form; signals: the class of each signal's data
"""

from trackside.destinations.webhook.bodies.made import Bodies, Body

__all__ = ["Bodies", "Body"]
