package io.ballast.orchestrator.adapter;

import io.ballast.kit.audit.Act;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.postgres.Database;
import io.ballast.orchestrator.core.run.KeptSamples;
import io.ballast.orchestrator.core.run.RunPromptStore;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jdbi.v3.core.Handle;

/**
 * Deletes the prompts of runs that have ended, and has the samples deleted that were kept of them.
 * The entry of the audit trail has numbers and a digest, and no text. That of prompts is written in
 * the transaction that deletes them; that of samples, which are files, is committed before they go.
 */
public final class PostgresRunPrompts implements RunPromptStore {
  private final Database database;
  private final PostgresAudit audit;

  public PostgresRunPrompts(Database database, PostgresAudit audit) {
    this.database = database;
    this.audit = audit;
  }

  @Override
  public int deletePrompts(Instant now, Duration retention, int limit) {
    Instant before = now.minus(retention);
    return database
        .jdbi()
        .inTransaction(
            handle -> {
              List<String> runs =
                  handle
                      .createQuery(
                          """
                          with old as (
                            select p.run_id from run_prompts p join run r on r.run_id = p.run_id
                            where r.ended_at < :before and p.deleted_at is null
                            order by r.ended_at limit :limit for update of p skip locked),
                          gone as (
                            update run_prompts p set training = '{}', numbers = '{}',
                              chosen = '{}', rejected = '{}', test = '{}', test_groups = '{}',
                              evaluation = '{}', evaluation_groups = '{}', deleted_at = :now
                            from old where p.run_id = old.run_id
                            returning p.run_id as id)
                          select id from gone order by id\
                          """)
                      .bind("before", RunRows.time(before))
                      .bind("now", RunRows.time(now))
                      .bind("limit", limit)
                      .mapTo(String.class)
                      .list();
              if (!runs.isEmpty()) {
                prove(handle, "prompts", runs, before);
              }
              return runs.size();
            });
  }

  @Override
  public int deleteSamples(
      List<KeptSamples.OfRun> kept,
      Predicate<KeptSamples.OfRun> delete,
      Instant now,
      Duration retention) {
    List<KeptSamples.OfRun> told = tellSamples(kept, now.minus(retention));
    return (int) told.stream().filter(delete).count();
  }

  /** Tells that the samples of those that ended go, and returns them once that is committed. */
  private List<KeptSamples.OfRun> tellSamples(List<KeptSamples.OfRun> kept, Instant before) {
    return database
        .jdbi()
        .inTransaction(
            handle -> {
              Set<String> ended =
                  handle
                      .createQuery(
                          "select run_id from run where run_id = any(:ids) and ended_at < :before")
                      .bindArray(
                          "ids", String.class, kept.stream().map(KeptSamples.OfRun::runId).toList())
                      .bind("before", RunRows.time(before))
                      .mapTo(String.class)
                      .set();
              List<KeptSamples.OfRun> old =
                  kept.stream().filter(run -> ended.contains(run.runId())).toList();
              if (!old.isEmpty()) {
                prove(
                    handle, "samples", old.stream().map(KeptSamples.OfRun::runId).toList(), before);
              }
              return old;
            });
  }

  private void prove(Handle handle, String what, List<String> runs, Instant before) {
    StringBuilder lines = new StringBuilder();
    runs.stream().sorted().forEach(run -> lines.append(run).append('\n'));
    var unused =
        audit.append(
            handle,
            new Act(
                "data.expire",
                "",
                "",
                what,
                "",
                Map.of(
                    "runs", Integer.toString(runs.size()),
                    "ids_sha256", Sha256.of(lines.toString()),
                    "before", before.toString())));
  }
}
