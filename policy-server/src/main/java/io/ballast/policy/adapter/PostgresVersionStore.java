package io.ballast.policy.adapter;

import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.postgres.Database;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.version.Alias;
import io.ballast.policy.core.version.AliasMove;
import io.ballast.policy.core.version.BreakGlass;
import io.ballast.policy.core.version.CanaryStep;
import io.ballast.policy.core.version.MoveRequest;
import io.ballast.policy.core.version.RegisteredVersion;
import io.ballast.policy.core.version.VersionStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jspecify.annotations.Nullable;

/** Versions and aliases in PostgreSQL. A move is one guarded UPDATE: compare-and-set. */
public final class PostgresVersionStore implements VersionStore {
  private static final String VERSION_COLUMNS =
      "select model, version, weights_sha256, parent_version, run_id, registered_at,"
          + " parameters_count, context_tokens from policy_version";

  private static final byte[] NO_BYTES = {};

  private final Database database;
  private final PolicyEvents events;

  /**
   * @param events are written with the moves that they tell of
   */
  public PostgresVersionStore(Database database, PolicyEvents events) {
    this.database = database;
    this.events = events;
  }

  @Override
  public List<RegisteredVersion> versions(String model) {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery(
                        VERSION_COLUMNS + " where model = :model order by registration desc")
                    .bind("model", model)
                    .map((row, context) -> versionOf(row))
                    .list());
  }

  @Override
  public Optional<RegisteredVersion> version(String model, String version) {
    return database.jdbi().withHandle(handle -> findVersion(handle, model, version));
  }

  @Override
  public RegisteredVersion register(RegisteredVersion version) {
    return database
        .jdbi()
        .inTransaction(
            handle -> {
              handle
                  .createUpdate(
                      """
                      insert into policy_version (model, version, weights_sha256, parent_version,
                        run_id, registered_at, parameters_count, context_tokens)
                      values (:model, :version, :sha, :parent, :run, :at, :parameters, :context)
                      on conflict do nothing""")
                  .bind("model", version.id().model())
                  .bind("version", version.id().version())
                  .bind("sha", version.id().weightsSha256())
                  .bind("parent", version.parentVersion())
                  .bind("run", version.runId())
                  .bind("at", OffsetDateTime.ofInstant(version.registeredAt(), ZoneOffset.UTC))
                  .bind("parameters", version.parametersCount())
                  .bind("context", version.contextTokens())
                  .execute();
              return findVersion(handle, version.id().model(), version.id().version())
                  .orElseThrow();
            });
  }

  @Override
  public List<Alias> aliases(String model) {
    return database.jdbi().inTransaction(handle -> findAliases(handle, model, null));
  }

  @Override
  public List<Alias> allAliases() {
    return database.jdbi().inTransaction(handle -> findAliases(handle, null, null));
  }

  @Override
  public Optional<Alias> alias(String model, String name) {
    return database
        .jdbi()
        .inTransaction(handle -> findAliases(handle, model, name).stream().findFirst());
  }

  @Override
  public Alias createAlias(String model, String name, AliasMove creation) {
    return database
        .jdbi()
        .inTransaction(
            handle -> {
              int created =
                  handle
                      .createUpdate(
                          """
                          insert into policy_alias (model, alias, version, revision)
                          values (:model, :alias, :version, 1) on conflict do nothing""")
                      .bind("model", model)
                      .bind("alias", name)
                      .bind("version", creation.toVersion())
                      .execute();
              if (created == 1) {
                insertMove(handle, model, name, 1, creation, null);
              }
              Alias alias = findAliases(handle, model, name).getFirst();
              if (created == 1) {
                events.moved(handle, alias, "");
              }
              return alias;
            });
  }

  @Override
  public Optional<Alias> move(
      MoveRequest request, long revision, AliasMove move, Optional<Instant> leaveEnd) {
    return database
        .jdbi()
        .inTransaction(
            handle -> {
              int updated =
                  handle
                      .createUpdate(
                          """
                          update policy_alias set version = :version, revision = revision + 1
                          where model = :model and alias = :alias and revision = :revision
                            and (:end::timestamptz is null or clock_timestamp() < :end)""")
                      .bind("version", move.toVersion())
                      .bind("model", request.model())
                      .bind("alias", request.alias())
                      .bind("revision", revision)
                      .bind(
                          "end",
                          leaveEnd
                              .map(end -> OffsetDateTime.ofInstant(end, ZoneOffset.UTC))
                              .orElse(null))
                      .execute();
              boolean recorded =
                  updated == 1
                      && insertMove(
                          handle, request.model(), request.alias(), revision + 1, move, request);
              if (!recorded) {
                handle.rollback();
                return Optional.empty();
              }
              Alias moved = findAliases(handle, request.model(), request.alias()).getFirst();
              events.moved(handle, moved, request.caller().tenant());
              return Optional.of(moved);
            });
  }

  @Override
  public Optional<KeyedMove> moveByKey(String tenant, String idempotencyKey) {
    return database
        .jdbi()
        .inTransaction(
            handle ->
                handle
                    .createQuery(
                        """
                        select model, alias, revision, to_version, fingerprint
                        from policy_alias_move
                        where tenant = :tenant and idempotency_key = :key""")
                    .bind("tenant", tenant)
                    .bind("key", idempotencyKey)
                    .map(
                        (row, context) ->
                            new KeyedMove(
                                row.getString("fingerprint"),
                                new Alias(
                                    row.getString("model"),
                                    row.getString("alias"),
                                    row.getString("to_version"),
                                    row.getLong("revision"),
                                    findMoves(
                                        handle,
                                        row.getString("model"),
                                        row.getString("alias"),
                                        row.getLong("revision")))))
                    .findFirst());
  }

  private static Optional<RegisteredVersion> findVersion(
      Handle handle, String model, String version) {
    return handle
        .createQuery(VERSION_COLUMNS + " where model = :model and version = :version")
        .bind("model", model)
        .bind("version", version)
        .map((row, context) -> versionOf(row))
        .findFirst();
  }

  private static List<Alias> findAliases(
      Handle handle, @Nullable String model, @Nullable String name) {
    record Head(String model, String alias, String version, long revision) {}

    List<Head> heads =
        handle
            .createQuery(
                """
                select model, alias, version, revision from policy_alias
                where (:model::text is null or model = :model)
                  and (:alias::text is null or alias = :alias)
                order by model, alias""")
            .bind("model", model)
            .bind("alias", name)
            .map(
                (row, context) ->
                    new Head(
                        row.getString("model"),
                        row.getString("alias"),
                        row.getString("version"),
                        row.getLong("revision")))
            .list();
    List<Alias> aliases = new ArrayList<>(heads.size());
    for (Head head : heads) {
      List<AliasMove> moves = findMoves(handle, head.model(), head.alias(), head.revision());
      aliases.add(new Alias(head.model(), head.alias(), head.version(), head.revision(), moves));
    }
    return aliases;
  }

  private static List<AliasMove> findMoves(
      Handle handle, String model, String alias, long revision) {
    return handle
        .createQuery(
            """
            select from_version, to_version, moved_at, certificate_id, folder_sha256, redemption_id,
              kind, actor, reason, canary_version, canary_share, numbers
            from policy_alias_move
            where model = :model and alias = :alias and revision <= :revision
            order by revision desc""")
        .bind("model", model)
        .bind("alias", alias)
        .bind("revision", revision)
        .map(
            (row, context) ->
                new AliasMove(
                    row.getString("from_version"),
                    row.getString("to_version"),
                    row.getObject("moved_at", OffsetDateTime.class).toInstant(),
                    row.getString("certificate_id"),
                    row.getString("folder_sha256"),
                    row.getString("redemption_id"),
                    AliasMove.Kind.ofLabel(row.getString("kind")),
                    breakGlass(row.getString("actor"), row.getString("reason")),
                    canary(row)))
        .list();
  }

  private static Optional<BreakGlass> breakGlass(String actor, String reason) {
    return actor.isEmpty() ? Optional.empty() : Optional.of(new BreakGlass(actor, reason));
  }

  private static Optional<CanaryStep> canary(ResultSet row) throws SQLException {
    String version = row.getString("canary_version");
    return version.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new CanaryStep(
                version,
                row.getInt("canary_share"),
                0,
                row.getString("reason"),
                Payload.of(row.getBytes("numbers"))));
  }

  private static boolean insertMove(
      Handle handle,
      String model,
      String alias,
      long revision,
      AliasMove move,
      @Nullable MoveRequest request) {
    String key = request == null ? "" : request.caller().idempotencyKey();
    PostgresAudit.namePrincipal(handle);
    return handle
            .createUpdate(
                """
                insert into policy_alias_move (model, alias, revision, from_version, to_version,
                  moved_at, certificate_id, folder_sha256, redemption_id, kind, actor, reason,
                  canary_version, canary_share, numbers, tenant, request_id, idempotency_key, fingerprint)
                values (:model, :alias, :revision, :from, :to, :at, :certificate, :folder,
                  :redemption, :kind, :actor, :reason, :canary, :share, :numbers, :tenant, :request, nullif(:key, ''), :fingerprint)
                on conflict (tenant, idempotency_key) do nothing""")
            .bind("model", model)
            .bind("alias", alias)
            .bind("revision", revision)
            .bind("from", move.fromVersion())
            .bind("to", move.toVersion())
            .bind("at", OffsetDateTime.ofInstant(move.movedAt(), ZoneOffset.UTC))
            .bind("certificate", move.certificateId())
            .bind("folder", move.folderSha256())
            .bind("redemption", move.redemptionId())
            .bind("kind", move.kind().label())
            .bind("actor", move.breakGlass().map(BreakGlass::actor).orElse(""))
            .bind("reason", reason(move))
            .bind("canary", move.canary().map(CanaryStep::version).orElse(""))
            .bind("share", move.canary().map(CanaryStep::share).orElse(0))
            .bind("numbers", move.canary().map(step -> step.numbers().toBytes()).orElse(NO_BYTES))
            .bind("tenant", request == null ? "" : request.caller().tenant())
            .bind("request", request == null ? "" : request.caller().requestId())
            .bind("key", key)
            .bind("fingerprint", request == null ? "" : request.fingerprint())
            .execute()
        == 1;
  }

  private static String reason(AliasMove move) {
    return move.breakGlass()
        .map(BreakGlass::reason)
        .or(() -> move.canary().map(CanaryStep::reason))
        .orElse("");
  }

  private static RegisteredVersion versionOf(ResultSet row) throws SQLException {
    return new RegisteredVersion(
        new PinnedVersion(
            row.getString("model"), row.getString("version"), row.getString("weights_sha256")),
        row.getString("parent_version"),
        row.getString("run_id"),
        row.getObject("registered_at", OffsetDateTime.class).toInstant(),
        row.getLong("parameters_count"),
        row.getInt("context_tokens"));
  }
}
