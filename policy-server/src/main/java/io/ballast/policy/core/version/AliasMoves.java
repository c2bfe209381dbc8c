package io.ballast.policy.core.version;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Promotes and rolls back by compare-and-set. The order makes a swap safe: certificate verified,
 * then the new version loaded and ready, which may take long, then the certificate redeemed for
 * this very move, then the alias in the database, then the alias in memory, then the old version
 * retired.
 */
public final class AliasMoves {
  private static final int MAX_CHARACTERS = 128;

  private static final Logger LOG = LoggerFactory.getLogger(AliasMoves.class);

  private final VersionCatalog catalog;
  private final VersionStore store;
  private final ServingDecoders serving;
  private final CertificateAuthority certificates;
  private final BreakGlassSecret breakGlass;
  private final InstantSource clock;
  private final ReentrantLock oneAtATime = new ReentrantLock();

  AliasMoves(
      VersionCatalog catalog,
      VersionStore store,
      ServingDecoders serving,
      CertificateAuthority certificates,
      BreakGlassSecret breakGlass,
      InstantSource clock) {
    this.catalog = catalog;
    this.store = store;
    this.serving = serving;
    this.certificates = certificates;
    this.breakGlass = breakGlass;
    this.clock = clock;
  }

  /**
   * Makes the move that {@code request} asks for, or returns what the same request got before.
   *
   * @return the alias after the move
   * @throws MeshException UNKNOWN_MODEL for an unknown model, alias or version; VERSION_CONFLICT if
   *     the alias points elsewhere; SAFETY_GATE_CLOSED for a promotion without a certificate that
   *     holds for the new version; PRECONDITION_FAILED for a rollback where nothing served before
   *     that may again; DEPENDENCY_DOWN where nobody can say what holds; MALFORMED_REQUEST for a
   *     key that another request used
   */
  public Alias move(MoveRequest request) {
    if (request.kind() == AliasMove.Kind.BREAK_GLASS) {
      throw new IllegalArgumentException("a move without a certificate needs the secret");
    }
    return keyed(request);
  }

  private Alias keyed(MoveRequest request) {
    Texts.requireName("model", request.model());
    Texts.requireName("alias", request.alias());
    Texts.requireLine("expected_version", request.expectedVersion(), MAX_CHARACTERS);
    Texts.requireLine("certificate_id", request.certificateId(), MAX_CHARACTERS);
    oneAtATime.lock();
    try {
      Optional<Alias> before = repetition(request);
      return before.isPresent() ? before.get() : moveAnew(request);
    } finally {
      oneAtATime.unlock();
    }
  }

  /**
   * Moves an alias without a certificate, for an operator in an emergency.
   *
   * @param request of the kind BREAK_GLASS
   * @param secret what the call carries, if anything
   * @return the alias after the move
   * @throws MeshException FORBIDDEN if it is not the operator's; else as {@link #move}
   */
  public Alias breakGlass(MoveRequest request, @Nullable String secret) {
    breakGlass.require(secret);
    return keyed(request);
  }

  private Alias moveAnew(MoveRequest request) {
    Alias alias =
        store
            .alias(request.model(), request.alias())
            .orElseThrow(
                () ->
                    new MeshException(
                        Fault.UNKNOWN_MODEL,
                        "no alias %s of model %s".formatted(request.alias(), request.model())));
    requireExpected(request, alias.version());
    RegisteredVersion next = catalog.registered(request.model(), destination(request, alias));
    Optional<CertificateAuthority.Promotion> promotion =
        request.kind() == AliasMove.Kind.PROMOTE
            ? Optional.of(promotion(request, alias, next.id()))
            : Optional.empty();
    promotion.ifPresent(each -> certificates.verify(request.caller(), each));
    serving.keep(next.id());
    try {
      requireStillAllowed(request, alias, next);
      AliasMove move =
          new AliasMove(
              alias.version(),
              next.id().version(),
              clock.instant(),
              request.certificateId(),
              promotion.map(each -> certificates.redeem(request.caller(), each)).orElse(""),
              request.kind(),
              request.breakGlass());
      Optional<Alias> moved = store.move(request, alias.revision(), move);
      if (moved.isPresent()) {
        catalog.turn(moved.get());
        request.breakGlass().ifPresent(who -> tell(moved.get(), who));
        return moved.get();
      }
    } finally {
      serving.retire(next.id());
    }
    return repetition(request)
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.VERSION_CONFLICT,
                    "alias %s of %s moved on from %s meanwhile"
                        .formatted(request.alias(), request.model(), alias.version())));
  }

  /** Loading may have taken long: what was revoked meanwhile is not rolled back to. */
  private void requireStillAllowed(MoveRequest request, Alias alias, RegisteredVersion next) {
    if (request.kind() == AliasMove.Kind.ROLL_BACK
        && !rollbackTarget(request.caller(), alias).equals(next.id().version())) {
      throw new MeshException(
          Fault.VERSION_CONFLICT,
          "the certificate of version %s of %s was revoked meanwhile"
              .formatted(next.id().version(), request.model()));
    }
  }

  private static void tell(Alias alias, BreakGlass who) {
    LOG.warn(
        "break-glass: {} moved {} of {} to {} without a certificate: {}",
        who.actor(),
        alias.name(),
        alias.model(),
        alias.version(),
        who.reason());
  }

  private Optional<Alias> repetition(MoveRequest request) {
    Optional<VersionStore.KeyedMove> made = catalog.madeBefore(request.caller());
    made.filter(move -> !move.fingerprint().equals(request.fingerprint()))
        .ifPresent(
            move -> {
              throw Texts.malformed(
                  "metadata.idempotency_key",
                  "'%s' was used for another request".formatted(request.caller().idempotencyKey()));
            });
    return made.map(VersionStore.KeyedMove::alias);
  }

  private String destination(MoveRequest request, Alias alias) {
    return switch (request.kind()) {
      case PROMOTE, BREAK_GLASS -> Texts.requireName("new_version", request.newVersion());
      case ROLL_BACK -> rollbackTarget(request.caller(), alias);
      case CREATE -> throw new IllegalArgumentException("an alias is not created by a move");
    };
  }

  /** The latest version that served before and whose certificate was not revoked since. */
  private String rollbackTarget(Caller caller, Alias alias) {
    List<String> passedOver = new ArrayList<>();
    for (Alias.Served served : alias.servedBefore()) {
      Optional<String> revocation =
          served.certificateId().isEmpty()
              ? Optional.empty()
              : certificates.revocation(caller, served.certificateId());
      if (revocation.isEmpty()) {
        return served.version();
      }
      passedOver.add(
          "certificate %s of version %s: %s"
              .formatted(served.certificateId(), served.version(), revocation.get()));
    }
    throw new MeshException(
        Fault.PRECONDITION_FAILED,
        "no version served before %s as %s of %s%s: there is nothing to roll back to"
            .formatted(
                alias.version(),
                alias.name(),
                alias.model(),
                passedOver.isEmpty() ? "" : " that may again, " + String.join(", ", passedOver)));
  }

  private static void requireExpected(MoveRequest request, String version) {
    boolean wherever =
        request.kind() == AliasMove.Kind.ROLL_BACK && request.expectedVersion().isEmpty();
    if (!wherever && !request.expectedVersion().equals(version)) {
      throw new MeshException(
          Fault.VERSION_CONFLICT,
          "alias %s of %s points to %s, expected_version is '%s'"
              .formatted(request.alias(), request.model(), version, request.expectedVersion()),
          Map.of("version", version, "expected_version", request.expectedVersion()));
    }
  }

  private CertificateAuthority.Promotion promotion(
      MoveRequest request, Alias alias, PinnedVersion candidate) {
    if (request.certificateId().isEmpty()) {
      throw new MeshException(
          Fault.SAFETY_GATE_CLOSED,
          "certificate_id: empty; version %s of %s needs a certificate to be promoted"
              .formatted(candidate.version(), candidate.model()));
    }
    return new CertificateAuthority.Promotion(
        request.certificateId(),
        candidate,
        catalog.folderSha256(candidate),
        request.alias(),
        catalog.registered(alias.model(), alias.version()).id(),
        alias.revision());
  }
}
