"""Tables with the fields of the platform's, as far as filters hand them on."""

from typing import Any

from django.contrib.auth.models import User
from django.db import models


class Table(models.Model):
    """What all have in common."""

    objects: Any = models.Manager()

    class Meta:
        """Its place."""

        abstract = True


class Profile(Table):
    """Like UserProfile."""

    user = models.OneToOneField(User, related_name="profile", on_delete=models.CASCADE)
    name = models.CharField(blank=True, max_length=255)
    meta = models.TextField(blank=True)
    year_of_birth = models.IntegerField(blank=True, null=True)
    gender = models.CharField(
        blank=True, null=True, max_length=6, choices=(("m", "Male"), ("f", "Female"), ("o", "Other"))
    )
    country = models.CharField(blank=True, null=True, max_length=2)
    phone_number = models.CharField(blank=True, null=True, max_length=50)

    class Meta:
        """Its place."""

        app_label = "platform"


class Enrollment(Table):
    """Like CourseEnrollment."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)
    course_id = models.CharField(max_length=255)
    mode = models.CharField(max_length=100, default="audit")
    is_active = models.BooleanField(default=True)

    class Meta:
        """Its place."""

        app_label = "platform"


class Cohort(Table):
    """Like CourseUserGroup."""

    name = models.CharField(max_length=20)
    course_id = models.CharField(max_length=255)
    group_type = models.CharField(max_length=20, default="cohort")

    class Meta:
        """Its place."""

        app_label = "platform"


class Membership(Table):
    """Like CohortMembership."""

    course_user_group = models.ForeignKey(Cohort, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    course_id = models.CharField(max_length=255)

    class Meta:
        """Its place."""

        app_label = "platform"


class CertificateTemplate(Table):
    """Like the platform's, whose `template` is code that it runs."""

    name = models.CharField(max_length=255)
    description = models.CharField(max_length=255, blank=True, null=True)
    template = models.TextField()
    is_active = models.BooleanField(default=False)

    class Meta:
        """Its place."""

        app_label = "platform"


class Schedule(Table):
    """Like the platform's."""

    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE)
    active = models.BooleanField(default=True)
    start_date = models.DateTimeField()

    class Meta:
        """Its place."""

        app_label = "platform"
