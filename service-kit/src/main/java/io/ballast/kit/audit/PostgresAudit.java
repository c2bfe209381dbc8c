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
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jdbi.v3.core.Handle;

/**
 * The table {@code audit} of a service's schema. Most acts come into it by triggers, in the
 * transaction of what they tell; what no table shows is appended here.
 */
public final class PostgresAudit implements AuditTrail {
  private static final String CONFIGURATION = "configuration";
  private static final String TURN = "model.turn";
  private static final String SHA256 = "sha256";
  private static final String RIGHTS = "rights";

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
   * What is done.
   *
   * @param action such as {@code data.delete}
   * @param tenant on whose behalf; empty: the server's own
   * @param actor who answers for it, as the request says; empty: nobody said
   * @param subject what it is done to
   * @param requestId the call; empty: none
   * @param details texts by name, none of them what a person wrote or was shown
   */
  public record Act(
      String action,
      String tenant,
      String actor,
      String subject,
      String requestId,
      Map<String, String> details) {
    /** Copies the details. */
    public Act {
      details = Map.copyOf(details);
    }
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
              Optional<Map<String, String>> last = lastConfiguration(handle);
              if (!isSame(last.orElse(Map.of()), now)) {
                var unused =
                    append(
                        handle,
                        new Act(
                            CONFIGURATION,
                            "",
                            "",
                            name,
                            "",
                            details(last.flatMap(PostgresAudit::rights), now)));
              }
            });
  }

  private static boolean isSame(Map<String, String> told, Configuration now) {
    return now.sha256().equals(told.get(SHA256)) && lines(now.rights()).equals(told.get(RIGHTS));
  }

  /** Empty: the entry is of a release that told none. */
  private static Optional<String> rights(Map<String, String> told) {
    return Optional.ofNullable(told.get(RIGHTS));
  }

  /** What the last entry tells. */
  private static Optional<Map<String, String>> lastConfiguration(Handle handle) {
    return handle
        .createQuery(
            """
            select content::jsonb #>> '{details,sha256}' as sha256,
              content::jsonb #>> '{details,rights}' as rights from audit
            where content::jsonb ->> 'action' = :action
            order by sequence desc limit 1\
            """)
        .bind("action", CONFIGURATION)
        .map(
            (row, _) -> {
              Map<String, String> told = new TreeMap<>();
              for (String key : List.of(SHA256, RIGHTS)) {
                Optional.ofNullable(row.getString(key)).ifPresent(text -> told.put(key, text));
              }
              return told;
            })
        .findFirst()
        .map(Map::copyOf);
  }

  private static Map<String, String> details(Optional<String> rightsBefore, Configuration now) {
    Map<String, String> details = new TreeMap<>();
    details.put(SHA256, now.sha256());
    details.put(RIGHTS, lines(now.rights()));
    rightsBefore.ifPresent(
        told -> {
          SortedSet<String> before = new TreeSet<>(told.lines().toList());
          putIfAny(details, RIGHTS + "_added", difference(now.rights(), before));
          putIfAny(details, RIGHTS + "_removed", difference(before, now.rights()));
        });
    return details;
  }

  private static SortedSet<String> difference(SortedSet<String> of, SortedSet<String> without) {
    SortedSet<String> rest = new TreeSet<>(of);
    rest.removeAll(without);
    return rest;
  }

  private static void putIfAny(Map<String, String> details, String key, SortedSet<String> lines) {
    if (!lines.isEmpty()) {
      details.put(key, lines(lines));
    }
  }

  private static String lines(SortedSet<String> lines) {
    return String.join("\n", lines);
  }

  /** The models of which a turn is told. */
  Set<String> served() {
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
                    .bind("action", TURN)
                    .mapTo(String.class)
                    .set());
  }

  /**
   * Appends what serves now, where it is another than the trail told last of the model, or, of a
   * model of which it told nothing, than what served first.
   *
   * @param first by model; a model may be missing
   */
  void serving(Map<String, PinnedVersion> first, Collection<PinnedVersion> now) {
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
                  var unused = append(handle, turn(last, version));
                }
              }
            });
  }

  private static Act turn(Optional<PinnedVersion> from, PinnedVersion to) {
    return new Act(
        TURN,
        "",
        "the operator's serving file",
        to.model(),
        "",
        Map.of(
            "from", from.map(PinnedVersion::version).orElse(""),
            "from_sha256", from.map(PinnedVersion::weightsSha256).orElse(""),
            "to", to.version(),
            "to_sha256", to.weightsSha256()));
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
        .bind("action", TURN)
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
