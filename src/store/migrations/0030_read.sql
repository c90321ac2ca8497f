-- What pages read: hosts in the order of their list, and the newest changes of all kernels.
CREATE INDEX host_list ON host (name, id);
CREATE INDEX host_report_last ON host_report (last_at DESC);
CREATE INDEX verdict_change_newest ON verdict_change (at DESC);
-- One CVE in all kernels, and how many kernels each has open.
-- Everything that is asked of it stands in the index itself.
CREATE INDEX verdict_open ON verdict (cve_id, status, kernel_id) WHERE status IN ('affected', 'under_investigation');
