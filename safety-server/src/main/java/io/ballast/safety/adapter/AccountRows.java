package io.ballast.safety.adapter;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.safety.core.safetytest.AccountShare;
import io.ballast.safety.core.safetytest.DeltaAccount;
import io.ballast.safety.core.safetytest.NewTest;
import io.ballast.safety.core.safetytest.SafetyTestStore.Start;
import io.ballast.safety.core.safetytest.TestSpec;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Update;

/**
 * Accounts of δ in the looks that tests took. Whoever changes one holds its lock until the
 * transaction ends: first that of the weights, then that of the name, then rows of the ledger.
 */
final class AccountRows {
  private AccountRows() {}

  /** Looks so far, given back ones apart. */
  private record Standing(int looks, double spent, double total, int shared, UUID last) {}

  static void lock(Handle handle, NewTest test) {
    lockWeights(handle, test.spec().candidate().weightsSha256());
    if (!test.account().name().isEmpty()) {
      lock(handle, "account:" + test.caller().tenant() + ":" + test.account().name());
    }
  }

  static void lockWeights(Handle handle, String candidateSha256) {
    lock(handle, "weights:" + candidateSha256);
  }

  private static void lock(Handle handle, String key) {
    handle.execute("select pg_advisory_xact_lock(hashtextextended(?, 0))", key);
  }

  /** Why the accounts have no room for a look that is stored in this transaction, if so. */
  static Optional<Start> refusal(Handle handle, NewTest test) {
    AccountShare share = test.account();
    if (!share.name().isEmpty()) {
      Optional<Standing> named =
          standing(handle, "l.account = :key and t.tenant = :tenant", share.name(), test);
      if (named.isPresent()) {
        Standing fixed = named.get();
        boolean sameRule =
            fixed.shared() == share.looks()
                && (share.looks() == 0 || fixed.total() == share.totalDelta());
        if (!sameRule) {
          return Optional.of(new Start.OtherAccountRule(fixed.shared(), fixed.total()));
        }
        if (share.looks() > 0 && fixed.looks() >= share.looks()) {
          return Optional.of(new Start.AccountSpent(fixed.last(), fixed.looks()));
        }
      }
    }
    return standing(
            handle, "t.candidate_sha256 = :key", test.spec().candidate().weightsSha256(), test)
        .filter(
            spent ->
                !AccountShare.hasRoom(spent.total(), spent.spent(), test.rule().delta())
                    && !renews(handle, test))
        .map(
            spent ->
                new Start.WeightsSpent(spent.last(), spent.looks(), spent.spent(), spent.total()));
  }

  private static Optional<Standing> standing(
      Handle handle, String which, String key, NewTest test) {
    return handle
        .createQuery(
            """
            select count(*) as looks, sum(l.delta) as spent,
              (array_agg(l.account_delta order by l.arrival))[1] as total,
              (array_agg(l.account_looks order by l.arrival))[1] as shared,
              (array_agg(l.test_id order by l.arrival desc))[1] as last
            from look l join safety_test t using (test_id)
            where l.given_back_at is null and l.test_id <> :without and\s"""
                + which)
        .bind("key", key)
        .bind("tenant", test.caller().tenant())
        .bind("without", test.id())
        .map(
            (row, context) ->
                new Standing(
                    row.getInt("looks"),
                    row.getDouble("spent"),
                    row.getDouble("total"),
                    row.getInt("shared"),
                    row.getObject("last", UUID.class)))
        .findFirst()
        .filter(found -> found.looks() > 0);
  }

  /**
   * Whether the last look at these weights passed, in a test that promised at least as much of the
   * same. So an expired certificate is renewed. On the same kind of prompts a further pass adds
   * nothing to δ; on others it is their first look, and if it fails there is no second.
   */
  private static boolean renews(Handle handle, NewTest test) {
    TestSpec spec = test.spec();
    SamplingOptions sampling = spec.sampling();
    return handle
        .createQuery(
            """
            select exists (select 1 from safety_test t join certificate c using (test_id)
              left join certificate_revocation r on r.certificate_id = c.certificate_id
              where t.candidate_sha256 = :candidate and t.candidate_folder_sha256 = :folder
                and t.cost_sha256 = :judge and t.cost_folder_sha256 = :judge_folder
                and t.state = 'PASSED' and r.certificate_id is null
                and t.threshold <= :threshold and t.delta <= :delta
                and (t.bound_method = 'CLOPPER_PEARSON') = (:method = 'CLOPPER_PEARSON')
                and t.temperature = :temperature and t.top_k = :top_k and t.top_p = :top_p
                and t.max_new_tokens = :max_new_tokens and t.stop_strings = :stop_strings::text[]
                and t.max_prompt_tokens = :max_prompt_tokens
                and not exists (select 1 from look passed
                  join look later on later.arrival > passed.arrival
                  join safety_test o on o.test_id = later.test_id
                  where passed.test_id = t.test_id and o.candidate_sha256 = :candidate
                    and later.given_back_at is null and later.test_id <> :without))""")
        .bind("without", test.id())
        .bind("candidate", spec.candidate().weightsSha256())
        .bind("folder", spec.scope().candidateFolderSha256())
        .bind("judge", spec.costModel().weightsSha256())
        .bind("judge_folder", spec.scope().costModelFolderSha256())
        .bind("threshold", spec.threshold())
        .bind("delta", spec.delta())
        .bind("method", spec.boundMethod().name())
        .bind("temperature", sampling.temperature())
        .bind("top_k", sampling.topK())
        .bind("top_p", sampling.topP())
        .bind("max_new_tokens", sampling.maxNewTokens())
        .bindArray("stop_strings", String.class, sampling.stopStrings())
        .bind("max_prompt_tokens", spec.maxPromptTokens())
        .mapTo(Boolean.class)
        .one();
  }

  /** How many looks at these weights were given back. */
  static int givenBack(Handle handle, String candidateSha256) {
    return handle
        .createQuery(
            """
            select count(*) from look l join safety_test t using (test_id)
            where t.candidate_sha256 = :sha and l.given_back_at is not null""")
        .bind("sha", candidateSha256)
        .mapTo(Integer.class)
        .one();
  }

  /** What went before a test's look. */
  static DeltaAccount account(Handle handle, UUID testId) {
    return handle
        .createQuery(
            """
            select l.account as look_account, l.account_looks as look_account_looks,
              l.account_delta as look_account_delta, w.*, n.*
            from look l join safety_test t using (test_id)
              cross join lateral (
                select count(*) as weights_looks, coalesce(sum(e.delta), 0) as weights_delta
                from look e join safety_test o using (test_id)
                where o.candidate_sha256 = t.candidate_sha256 and e.arrival < l.arrival
                  and e.given_back_at is null) w
              cross join lateral (
                select count(*) as name_looks, coalesce(sum(e.delta), 0) as name_delta
                from look e join safety_test o using (test_id)
                where l.account <> '' and e.account = l.account and o.tenant = t.tenant
                  and e.arrival < l.arrival
                  and e.given_back_at is null) n
            where l.test_id = :test""")
        .bind("test", testId)
        .map(
            (row, context) ->
                new DeltaAccount(
                    share(row),
                    new DeltaAccount.Earlier(
                        row.getInt("weights_looks"), row.getDouble("weights_delta")),
                    new DeltaAccount.Earlier(
                        row.getInt("name_looks"), row.getDouble("name_delta"))))
        .one();
  }

  /** What a look said, in the columns that the ledger shows it by. */
  static AccountShare share(ResultSet row) throws SQLException {
    return new AccountShare(
        row.getString("look_account"),
        row.getInt("look_account_looks"),
        row.getDouble("look_account_delta"));
  }

  static void bind(Update update, Optional<DeltaAccount> account) {
    DeltaAccount.Earlier weights =
        account.map(DeltaAccount::ofWeights).orElse(DeltaAccount.Earlier.NONE);
    DeltaAccount.Earlier name = account.map(DeltaAccount::ofName).orElse(DeltaAccount.Earlier.NONE);
    update
        .bind("account", account.map(each -> each.share().name()).orElse(""))
        .bind("account_looks", account.map(each -> each.share().looks()).orElse(0))
        .bind("account_delta", account.map(each -> each.share().totalDelta()).orElse(0.0))
        .bind("weights_looks", weights.looks())
        .bind("weights_delta", weights.delta())
        .bind("name_looks", name.looks())
        .bind("name_delta", name.delta());
  }

  /** What a certificate says of it; empty of before it was signed. */
  static Optional<DeltaAccount> signed(ResultSet row) throws SQLException {
    double total = row.getDouble("account_delta");
    return total == 0
        ? Optional.empty()
        : Optional.of(
            new DeltaAccount(
                new AccountShare(row.getString("account"), row.getInt("account_looks"), total),
                new DeltaAccount.Earlier(
                    row.getInt("earlier_weights_looks"), row.getDouble("earlier_weights_delta")),
                new DeltaAccount.Earlier(
                    row.getInt("earlier_account_looks"), row.getDouble("earlier_account_delta"))));
  }
}
