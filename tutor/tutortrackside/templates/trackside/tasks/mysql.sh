# between quotes a shell would look for variables in the password
mysql -u {{ MYSQL_ROOT_USERNAME }} --password="{{ MYSQL_ROOT_PASSWORD }}" --host "{{ MYSQL_HOST }}" --port {{ MYSQL_PORT }} <<'END_OF_SQL'
CREATE USER IF NOT EXISTS {{ TRACKSIDE_MYSQL_USERNAME|trackside_sql }}@'%';
ALTER USER {{ TRACKSIDE_MYSQL_USERNAME|trackside_sql }}@'%' IDENTIFIED BY {{ TRACKSIDE_MYSQL_PASSWORD|trackside_sql }};
GRANT SELECT, INSERT, UPDATE ON `{{ OPENEDX_MYSQL_DATABASE }}`.trackside_webhook TO {{ TRACKSIDE_MYSQL_USERNAME|trackside_sql }}@'%';
END_OF_SQL
