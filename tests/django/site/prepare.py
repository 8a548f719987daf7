"""Makes the project's database with one user who is logged in, and prints the key of their session."""

import django


def main() -> None:
    """Prepare; DJANGO_SETTINGS_MODULE and SITE_FOLDER say what."""
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    client = Client()
    client.force_login(get_user_model().objects.create_user("honor", password="!"))
    print(client.cookies["sessionid"].value)


if __name__ == "__main__":
    main()
