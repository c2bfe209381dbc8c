package io.ballast.policy.core.version;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Where versions and aliases are kept. Every method is one transaction. */
public interface VersionStore {
  /** All versions of {@code model}, newest first. */
  List<RegisteredVersion> versions(String model);

  /** One version, if it is registered. */
  Optional<RegisteredVersion> version(String model, String version);

  /** Keeps {@code version} unless it is there, and returns the one that is kept. */
  RegisteredVersion register(RegisteredVersion version);

  /** All aliases of {@code model}, by name. */
  List<Alias> aliases(String model);

  /** All aliases of all models. */
  List<Alias> allAliases();

  /** One alias. */
  Optional<Alias> alias(String model, String name);

  /** Creates an alias unless it is there, and returns the one that is kept. */
  Alias createAlias(String model, String name, AliasMove creation);

  /**
   * Moves an alias if it is still at {@code revision}, and before the leave for it ends by the
   * database's clock.
   *
   * @param leaveEnd empty: it needs no leave
   * @return the alias after the move; empty if it had moved on, if the leave has ended, or if the
   *     request's idempotency key was used meanwhile
   */
  Optional<Alias> move(
      MoveRequest request, long revision, AliasMove move, Optional<Instant> leaveEnd);

  /** The move that was made under an idempotency key of a tenant. */
  Optional<KeyedMove> moveByKey(String tenant, String idempotencyKey);

  /**
   * A move that was made under an idempotency key.
   *
   * @param fingerprint what the request said
   * @param alias the alias as the move left it
   */
  record KeyedMove(String fingerprint, Alias alias) {}
}
