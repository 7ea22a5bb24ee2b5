"""Corrupt objects in the bank, as a killed process leaves them."""


def test_delete_uses_the_copy_of_a_corrupt_journal_entry(
        protect, delete, fake_trove, journal, bank, resource, checkpoint):
    path = '/karbor-trove/%s/backups/%s' % (resource.id, checkpoint.id)
    protect()
    [backup_id] = fake_trove.backups
    child_id = fake_trove.add_backup(resource.id, parent_id=backup_id)
    delete()
    # A process that is killed while it rewrites an object leaves both.
    bank.update_object(path + '.new', bank.get_object(path))
    bank.update_object(path, '{"checkpoint_id": "')
    [entry] = journal.list_entries()
    assert entry.checkpoint_id == checkpoint.id and entry.deleted_at
    del fake_trove.backups[child_id]
    delete()
    assert not fake_trove.backups
    assert not bank.list_objects(prefix='/karbor-trove/')
