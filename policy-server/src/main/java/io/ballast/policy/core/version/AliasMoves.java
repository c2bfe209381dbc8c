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
 * then the new version loaded and ready, which may take long, and found to be of the folder that
 * was certified, then the certificate redeemed for this very move, then the alias in the database,
 * then the alias in memory, then the old version retired.
 */
public final class AliasMoves {
  private static final int MAX_CHARACTERS = 128;

  private static final Logger LOG = LoggerFactory.getLogger(AliasMoves.class);

  private final VersionCatalog catalog;
  private final VersionStore store;
  private final CertifiedDecoders decoders;
  private final ServingDecoders serving;
  private final CertificateAuthority certificates;
  private final BreakGlassSecret breakGlass;
  private final InstantSource clock;
  private final ReentrantLock oneAtATime = new ReentrantLock();

  AliasMoves(
      VersionCatalog catalog,
      VersionStore store,
      CertifiedDecoders decoders,
      ServingDecoders serving,
      CertificateAuthority certificates,
      BreakGlassSecret breakGlass,
      InstantSource clock) {
    this.catalog = catalog;
    this.store = store;
    this.decoders = decoders;
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
   *     holds for the new version, or if the folder is another than was certified;
   *     PRECONDITION_FAILED for a rollback where nothing served before that may again;
   *     DEPENDENCY_DOWN where nobody can say what holds; MALFORMED_REQUEST for a key that another
   *     request used
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
    requireCanary(request, alias);
    Alias.Served destination = destination(request, alias);
    RegisteredVersion next = catalog.registered(request.model(), destination.version());
    requireUnspent(request, alias);
    Optional<CertificateAuthority.Promotion> promotion =
        switch (request.kind()) {
          case PROMOTE, CANARY -> Optional.of(promotion(request, alias, next.id()));
          case CREATE, ROLL_BACK, BREAK_GLASS, CANARY_COMPLETE, CANARY_ROLL_BACK ->
              Optional.empty();
        };
    promotion.ifPresent(each -> certificates.verify(request.caller(), each));
    CertifiedVersion certified =
        new CertifiedVersion(
            next.id(),
            promotion
                .map(CertificateAuthority.Promotion::folderSha256)
                .orElse(destination.folderSha256()));
    decoders.keep(certified);
    try {
      requireStillAllowed(request, alias, next);
      Optional<CertificateAuthority.Leave> leave =
          promotion.map(each -> certificates.redeem(request.caller(), each));
      AliasMove move = describe(request, alias, certified, leave);
      Optional<Alias> moved =
          store.move(
              request, alias.revision(), move, leave.map(CertificateAuthority.Leave::expiresAt));
      if (moved.isPresent()) {
        catalog.turn(moved.get());
        request.breakGlass().ifPresent(who -> tell(moved.get(), who));
        return moved.get();
      }
    } finally {
      serving.retire(next.id());
    }
    return repetition(request).orElseThrow(() -> notMoved(request, alias));
  }

  /** It moved on, or the leave for this move has ended. */
  private MeshException notMoved(MoveRequest request, Alias alias) {
    boolean movedOn =
        store
            .alias(request.model(), request.alias())
            .filter(now -> now.revision() == alias.revision())
            .isEmpty();
    return movedOn
        ? new MeshException(
            Fault.VERSION_CONFLICT,
            "alias %s of %s moved on from %s meanwhile"
                .formatted(request.alias(), request.model(), alias.version()))
        : new MeshException(
            Fault.DEPENDENCY_DOWN,
            "the leave of certificate %s has ended by the database's clock before alias %s of %s was moved: nothing was, try again"
                .formatted(request.certificateId(), request.alias(), request.model()));
  }

  /** A certificate moves an alias once, whatever leave it would get. */
  private static void requireUnspent(MoveRequest request, Alias alias) {
    if (request.certificateId().isEmpty()) {
      return;
    }
    for (int i = 0; i < alias.moves().size(); i++) {
      AliasMove made = alias.moves().get(i);
      if (made.certificateId().equals(request.certificateId())) {
        throw new MeshException(
            Fault.SAFETY_GATE_CLOSED,
            "certificate %s does not allow version %s of %s: it has moved %s before, to revision %d at %s (expected: a certificate that has not)"
                .formatted(
                    request.certificateId(),
                    request.newVersion(),
                    request.model(),
                    request.alias(),
                    alias.revision() - i,
                    made.movedAt()));
      }
    }
  }

  /** The move with what allows it. */
  private AliasMove describe(
      MoveRequest request,
      Alias alias,
      CertifiedVersion next,
      Optional<CertificateAuthority.Leave> leave) {
    Optional<AliasMove> begun = completed(request, alias);
    Optional<CanaryStep> canary =
        request
            .canary()
            .map(step -> alias.canary().map(each -> step.withShare(each.share())).orElse(step));
    return new AliasMove(
        alias.version(),
        request.kind() == AliasMove.Kind.CANARY ? alias.version() : next.version().version(),
        clock.instant(),
        begun.map(AliasMove::certificateId).orElse(request.certificateId()),
        next.folderSha256(),
        begun
            .map(AliasMove::redemptionId)
            .or(() -> leave.map(CertificateAuthority.Leave::id))
            .orElse(""),
        request.kind(),
        request.breakGlass(),
        canary);
  }

  /** The beginning of the canary that {@code request} completes; empty if it does not. */
  private static Optional<AliasMove> completed(MoveRequest request, Alias alias) {
    return request.kind() == AliasMove.Kind.CANARY_COMPLETE
        ? Optional.of(alias.moves().getFirst())
        : Optional.empty();
  }

  /** Loading may have taken long: what was revoked meanwhile is not rolled back to. */
  private void requireStillAllowed(MoveRequest request, Alias alias, RegisteredVersion next) {
    completed(request, alias).ifPresent(begun -> requireNotRevoked(request, begun));
    if (request.kind() == AliasMove.Kind.ROLL_BACK
        && !rollbackTarget(request.caller(), alias).version().equals(next.id().version())) {
      throw new MeshException(
          Fault.VERSION_CONFLICT,
          "the certificate of version %s of %s was revoked meanwhile"
              .formatted(next.id().version(), request.model()));
    }
  }

  private void requireNotRevoked(MoveRequest request, AliasMove begun) {
    certificates
        .revocation(request.caller(), begun.certificateId())
        .ifPresent(
            revocation -> {
              throw new MeshException(
                  Fault.SAFETY_GATE_CLOSED,
                  "certificate %s does not allow version %s of %s: %s"
                      .formatted(
                          begun.certificateId(),
                          request.newVersion(),
                          request.model(),
                          revocation));
            });
  }

  /** A promotion waits for the end of a canary; an end is of the one that is under way. */
  private static void requireCanary(MoveRequest request, Alias alias) {
    Optional<Alias.Canary> underWay = alias.canary();
    switch (request.kind()) {
      case PROMOTE, CANARY ->
          underWay.ifPresent(
              canary -> {
                throw new MeshException(
                    Fault.PRECONDITION_FAILED,
                    "version %s is the canary of %s of %s: end it first"
                        .formatted(canary.version(), alias.name(), alias.model()));
              });
      case CANARY_COMPLETE, CANARY_ROLL_BACK -> {
        CanaryStep end = request.canary().orElseThrow();
        boolean thisOne =
            underWay
                .filter(canary -> canary.version().equals(end.version()))
                .filter(
                    canary ->
                        end.startRevision() == 0 || canary.startRevision() == end.startRevision())
                .isPresent();
        if (!thisOne) {
          throw new MeshException(
              Fault.VERSION_CONFLICT,
              "alias %s of %s has %s, not version %s%s"
                  .formatted(
                      alias.name(),
                      alias.model(),
                      underWay
                          .map(
                              canary ->
                                  "the canary %s since revision %d"
                                      .formatted(canary.version(), canary.startRevision()))
                          .orElse("no canary"),
                      end.version(),
                      end.startRevision() == 0 ? "" : " since revision " + end.startRevision()));
        }
      }
      case CREATE, ROLL_BACK, BREAK_GLASS -> {}
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

  /** What the alias shall serve; with the folder that an earlier move says was certified. */
  private Alias.Served destination(MoveRequest request, Alias alias) {
    return switch (request.kind()) {
      case PROMOTE, BREAK_GLASS, CANARY ->
          new Alias.Served(Texts.requireName("new_version", request.newVersion()), "", "");
      case CANARY_COMPLETE -> {
        AliasMove begun = alias.moves().getFirst();
        yield new Alias.Served(request.newVersion(), begun.certificateId(), begun.folderSha256());
      }
      case CANARY_ROLL_BACK -> new Alias.Served(alias.version(), "", "");
      case ROLL_BACK -> rollbackTarget(request.caller(), alias);
      case CREATE -> throw new IllegalArgumentException("an alias is not created by a move");
    };
  }

  /** The latest version that served before and whose certificate was not revoked since. */
  private Alias.Served rollbackTarget(Caller caller, Alias alias) {
    List<String> passedOver = new ArrayList<>();
    for (Alias.Served served : alias.servedBefore()) {
      Optional<String> revocation =
          served.certificateId().isEmpty()
              ? Optional.empty()
              : certificates.revocation(caller, served.certificateId());
      if (revocation.isEmpty()) {
        return served;
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
        request.expectedVersion().isEmpty()
            && switch (request.kind()) {
              case ROLL_BACK, CANARY_COMPLETE, CANARY_ROLL_BACK -> true;
              case CREATE, PROMOTE, BREAK_GLASS, CANARY -> false;
            };
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
