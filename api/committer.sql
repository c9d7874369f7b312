-- name: committer_partitions
SELECT partitions_ensure()
