-- What was tried and failed, by whom and from where?
CREATE OR REPLACE VIEW failed_operations AS
SELECT
    happened_at,
    actor,
    operation,
    resource_kind,
    resource_uuid,
    error_code,
    error_message,
    remote_address,
    namespace,
    uuid
FROM audit_events
WHERE failed AND stream = 'audit_logs';
