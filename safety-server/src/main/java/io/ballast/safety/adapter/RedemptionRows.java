package io.ballast.safety.adapter;

import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.safety.core.safetytest.AliasChange;
import io.ballast.safety.core.safetytest.CertificateRedemptions.Redeemed;
import io.ballast.safety.core.safetytest.Redemption;
import io.ballast.safety.core.safetytest.SafetyTestStore.Evidence;
import io.ballast.safety.core.safetytest.SafetyTestStore.Leaves;
import io.ballast.safety.core.safetytest.SafetyTestStore.Redeeming;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/** The table of redemptions. */
final class RedemptionRows {
  private RedemptionRows() {}

  /**
   * Holds the certificate's row until the transaction ends: other redemptions wait, and so does a
   * revocation, whose row refers to it. What is read after the lock has what they stored before it.
   */
  static Optional<Redeemed> redeem(
      Handle handle, UUID certificateId, String alias, Caller caller, Redeeming redeeming) {
    Optional<UUID> locked =
        handle
            .createQuery(
                "select certificate_id from certificate where certificate_id = :id for update")
            .bind("id", certificateId)
            .mapTo(UUID.class)
            .findFirst();
    if (locked.isEmpty()) {
      return Optional.empty();
    }
    Evidence evidence = CertificateRows.evidence(handle, certificateId).orElseThrow();
    Optional<Redemption> latest = latest(handle, evidence, alias);
    Redemption decided =
        redeeming.decide(evidence, new Leaves(latest, underKey(handle, evidence, caller)));
    if (!latest.equals(Optional.of(decided))) {
      insert(handle, decided);
    }
    return Optional.of(new Redeemed(decided, evidence));
  }

  private static Optional<Redemption> latest(Handle handle, Evidence evidence, String alias) {
    return handle
        .createQuery(
            """
            select * from certificate_redemption
            where certificate_id = :id and alias = :alias order by ordinal desc limit 1""")
        .bind("id", evidence.certificate().id())
        .bind("alias", alias)
        .map((row, context) -> redemption(row, evidence.certificate().candidate()))
        .findFirst();
  }

  /** The candidate of another certificate's leave is of no account: its id tells it apart. */
  private static Optional<Redemption> underKey(Handle handle, Evidence evidence, Caller caller) {
    return handle
        .createQuery(
            """
            select * from certificate_redemption
            where tenant = :tenant and idempotency_key = :key
            order by redeemed_at desc, ordinal desc limit 1""")
        .bind("tenant", caller.tenant())
        .bind("key", caller.idempotencyKey())
        .map((row, context) -> redemption(row, evidence.certificate().candidate()))
        .findFirst();
  }

  /** What was redeemed was redeemed for the certificate's own candidate. */
  private static Redemption redemption(ResultSet row, PinnedVersion candidate) throws SQLException {
    PinnedVersion base = SafetyRows.version(row, "base");
    return new Redemption(
        row.getObject("redemption_id", UUID.class),
        row.getObject("certificate_id", UUID.class),
        row.getInt("ordinal"),
        new AliasChange(
            row.getString("alias"),
            candidate,
            row.getString("candidate_folder_sha256"),
            base.model().isEmpty() ? Optional.empty() : Optional.of(base),
            row.getLong("alias_revision")),
        row.getString("tenant"),
        row.getString("idempotency_key"),
        SafetyRows.requireTime(row, "redeemed_at"),
        SafetyRows.requireTime(row, "expires_at"));
  }

  private static void insert(Handle handle, Redemption redemption) {
    PostgresAudit.namePrincipal(handle);
    AliasChange change = redemption.change();
    handle
        .createUpdate(
            """
            insert into certificate_redemption (redemption_id, certificate_id, alias, ordinal,
              tenant, idempotency_key, candidate_folder_sha256, base_model, base_version,
              base_sha256, alias_revision, redeemed_at, expires_at)
            values (:id, :certificate, :alias, :ordinal, :tenant, :key, :folder, :base_model,
              :base_version, :base_sha256, :revision, :at, :end)""")
        .bind("id", redemption.id())
        .bind("certificate", redemption.certificateId())
        .bind("alias", change.alias())
        .bind("ordinal", redemption.ordinal())
        .bind("tenant", redemption.tenant())
        .bind("key", redemption.idempotencyKey())
        .bind("folder", change.candidateFolderSha256())
        .bind("base_model", change.base().map(PinnedVersion::model).orElse(""))
        .bind("base_version", change.base().map(PinnedVersion::version).orElse(""))
        .bind("base_sha256", change.base().map(PinnedVersion::weightsSha256).orElse(""))
        .bind("revision", change.revision())
        .bind("at", SafetyDatabase.utc(redemption.redeemedAt()))
        .bind("end", SafetyDatabase.utc(redemption.expiresAt()))
        .execute();
  }
}
