trackside_sql() {
    mysql -u {{ MYSQL_ROOT_USERNAME }} --password="{{ MYSQL_ROOT_PASSWORD }}" --host "{{ MYSQL_HOST }}" --port {{ MYSQL_PORT }} -e "$1"
}
trackside_sql "CREATE USER IF NOT EXISTS '{{ TRACKSIDE_MYSQL_USERNAME }}'@'%';"
trackside_sql "ALTER USER '{{ TRACKSIDE_MYSQL_USERNAME }}'@'%' IDENTIFIED BY '{{ TRACKSIDE_MYSQL_PASSWORD }}';"
trackside_sql "GRANT SELECT, INSERT, UPDATE ON {{ OPENEDX_MYSQL_DATABASE }}.trackside_webhook TO '{{ TRACKSIDE_MYSQL_USERNAME }}'@'%';"
