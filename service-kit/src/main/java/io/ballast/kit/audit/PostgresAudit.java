package io.ballast.kit.audit;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.Principals;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.security.Principal;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jdbi.v3.core.Handle;

/**
 * The table {@code audit} of a service's schema. Most acts come into it by triggers, in the
 * transaction of what they tell; what no table shows is appended here.
 */
public final class PostgresAudit implements AuditTrail, TurnTrail {
  /** As who appends takes it: what is read after it stays so until the commit. */
  private static final String LOCK = "lock table audit in share row exclusive mode";

  private final String name;
  private final Database database;

  /**
   * @param name the schema's
   */
  public PostgresAudit(String name, Database database) {
    this.name = name;
    this.database = database;
  }

  /**
   * Names who answers for what a transaction does. Each that writes what the trail tells says it,
   * before it ends.
   */
  public static void namePrincipal(Handle handle) {
    if (!handle.isInTransaction()) {
      throw new IllegalStateException("no transaction: nobody would be named in it");
    }
    Principal acting = Principals.acting();
    var unused =
        handle
            .createQuery(
                """
                select set_config('ballast.principal', :name, true)
                  || set_config('ballast.proof', :proof, true)
                  || set_config('ballast.behalf', :behalf, true)\
                """)
            .bind("name", acting.name())
            .bind("proof", acting.proof().label())
            .bind("behalf", Principals.behalf())
            .mapTo(String.class)
            .one();
  }

  @Override
  public String name() {
    return name;
  }

  /** Appends an act as the last thing of a transaction; returns its entry. */
  public AuditEntry append(Handle handle, Act act) {
    namePrincipal(handle);
    long sequence =
        handle
            .createQuery(
                """
                select audit_append(:action, :tenant, :actor, :subject, :request,
                  jsonb_object(:names, :texts))\
                """)
            .bind("action", act.action())
            .bind("tenant", act.tenant())
            .bind("actor", act.actor())
            .bind("subject", act.subject())
            .bind("request", act.requestId())
            .bind("names", new TreeMap<>(act.details()).keySet().toArray(String[]::new))
            .bind("texts", new TreeMap<>(act.details()).values().toArray(String[]::new))
            .mapTo(Long.class)
            .one();
    return read(handle, sequence - 1, 1).getFirst();
  }

  /**
   * Appends that the server runs with this configuration, unless the last one was the same; with
   * the lines of its rights, and which of them the last one had not, or had besides.
   */
  public void configured(Configuration now) {
    database
        .jdbi()
        .useTransaction(
            handle -> {
              handle.execute(LOCK); // servers that start at once tell the same once
              KnownActs.configuration(name, lastConfiguration(handle), now)
                  .ifPresent(
                      act -> {
                        var unused = append(handle, act);
                      });
            });
  }

  /** What the last entry tells; of none nothing. */
  private static Map<String, String> lastConfiguration(Handle handle) {
    return handle
        .createQuery(
            """
            select content::jsonb #>> '{details,sha256}' as sha256,
              content::jsonb #>> '{details,rights}' as rights from audit
            where content::jsonb ->> 'action' = :action
            order by sequence desc limit 1\
            """)
        .bind("action", KnownActs.CONFIGURATION)
        .map(
            (row, _) -> {
              Map<String, String> told = new TreeMap<>();
              for (String key : KnownActs.COMPARED) {
                Optional.ofNullable(row.getString(key)).ifPresent(text -> told.put(key, text));
              }
              return told;
            })
        .findFirst()
        .orElse(Map.of());
  }

  @Override
  public Set<String> served() {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery(
                        """
                        select distinct content::jsonb ->> 'subject' from audit
                        where content::jsonb ->> 'action' = :action\
                        """)
                    .bind("action", KnownActs.TURN)
                    .mapTo(String.class)
                    .set());
  }

  @Override
  public void serving(Map<String, PinnedVersion> first, Collection<PinnedVersion> now) {
    database
        .jdbi()
        .useTransaction(
            handle -> {
              // servers of one file tell a turn once: the second sees what the first told
              handle.execute(LOCK);
              for (PinnedVersion version : now) {
                Optional<PinnedVersion> last =
                    lastTurn(handle, version.model())
                        .or(() -> Optional.ofNullable(first.get(version.model())));
                if (last.filter(version::equals).isEmpty()) {
                  var unused = append(handle, KnownActs.turn(last, version));
                }
              }
            });
  }

  private static Optional<PinnedVersion> lastTurn(Handle handle, String model) {
    return handle
        .createQuery(
            """
            select content::jsonb #>> '{details,to}' as version,
              content::jsonb #>> '{details,to_sha256}' as sha256 from audit
            where content::jsonb ->> 'action' = :action and content::jsonb ->> 'subject' = :model
            order by sequence desc limit 1\
            """)
        .bind("action", KnownActs.TURN)
        .bind("model", model)
        .map(
            (row, _) -> new PinnedVersion(model, row.getString("version"), row.getString("sha256")))
        .findFirst();
  }

  @Override
  public List<AuditEntry> after(long sequence, int limit) {
    return database.jdbi().withHandle(handle -> read(handle, sequence, limit));
  }

  private List<AuditEntry> read(Handle handle, long sequence, int limit) {
    return handle
        .createQuery(
            """
            select sequence, content, previous_sha256, sha256 from audit
            where sequence > :sequence order by sequence limit :limit\
            """)
        .bind("sequence", sequence)
        .bind("limit", limit)
        .map(
            (row, _) ->
                new AuditEntry(
                    name,
                    row.getLong("sequence"),
                    row.getString("content"),
                    row.getString("previous_sha256"),
                    row.getString("sha256")))
        .list();
  }
}
