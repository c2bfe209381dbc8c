package io.ballast.orchestrator.adapter;

import io.ballast.kit.audit.Act;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.postgres.Database;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.learner.CheckpointTrail;
import java.util.Map;

/** Tells in the audit trail of the orchestrator which checkpoints are deleted, and by whom. */
public final class PostgresCheckpointTrail implements CheckpointTrail {
  private final Database database;
  private final PostgresAudit audit;

  public PostgresCheckpointTrail(Database database, PostgresAudit audit) {
    this.database = database;
    this.audit = audit;
  }

  @Override
  public void deleting(Caller caller, String name) {
    Act act = new Act("checkpoint.delete", caller.tenant(), "", name, "", Map.of());
    var unused = database.jdbi().inTransaction(handle -> audit.append(handle, act));
  }
}
