/**
 * What every call carries and every answer says, in plain Java: who asks, which version, how long,
 * why one item failed, where the time went.
 */
@NullMarked
package io.ballast.kit.call;

import org.jspecify.annotations.NullMarked;
