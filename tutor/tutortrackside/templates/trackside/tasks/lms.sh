./manage.py lms migrate --noinput trackside
./manage.py lms check --tag trackside
