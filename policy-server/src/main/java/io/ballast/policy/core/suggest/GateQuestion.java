package io.ballast.policy.core.suggest;

import io.ballast.kit.call.Caller;
import io.ballast.policy.core.feedback.Payload;
import java.util.Optional;

/**
 * What the gate is asked about, before and after there is a suggestion.
 *
 * @param user whose editor; may be empty
 * @param prompt the text before the cursor
 * @param history what the user did before, as it is sent and recorded; empty: not known
 */
public record GateQuestion(Caller caller, String user, String prompt, Optional<Payload> history) {}
