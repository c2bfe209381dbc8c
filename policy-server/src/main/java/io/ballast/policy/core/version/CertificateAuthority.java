package io.ballast.policy.core.version;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import java.time.Instant;
import java.util.Optional;

/** Who says whether a safety certificate allows a move, and redeems it. */
public interface CertificateAuthority {
  /**
   * The move that a certificate shall allow.
   *
   * @param certificateId the certificate
   * @param candidate the version to promote
   * @param folderSha256 over all files of its folder; empty if it runs elsewhere
   * @param alias that shall point to it
   * @param base what the alias serves now
   * @param revision of the alias now
   */
  record Promotion(
      String certificateId,
      PinnedVersion candidate,
      String folderSha256,
      String alias,
      PinnedVersion base,
      long revision) {}

  /**
   * Asks whether a certificate holds now for exactly this move: signed, not expired and not
   * revoked, of this model, version, weights and folder, for this base, and for no other alias. The
   * same weights under another name may have another tokenizer or configuration, and so draw what
   * nobody tested; and what was better than one base is not better than another.
   *
   * @throws io.ballast.kit.error.MeshException SAFETY_GATE_CLOSED, naming what does not hold;
   *     DEPENDENCY_DOWN if nobody can say
   */
  void verify(Caller caller, Promotion promotion);

  /**
   * Redeems a certificate, of which all of that is asked once more: leave for this one move, to be
   * made at once.
   *
   * @throws io.ballast.kit.error.MeshException as {@link #verify}
   */
  Leave redeem(Caller caller, Promotion promotion);

  /**
   * Leave for one move.
   *
   * @param expiresAt from this moment on it allows nothing
   */
  record Leave(String id, Instant expiresAt) {}

  /**
   * Why a certificate is void for good; empty: it is not. That it has ended says nothing against
   * what it once promoted.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if nobody can say;
   *     PRECONDITION_FAILED if the safety-server knows no such certificate
   */
  Optional<String> revocation(Caller caller, String certificateId);
}
