/** Calls to peers that may be slow, full or gone: deadlines, breaker, bulkhead, retry budget. */
@NullMarked
package io.ballast.kit.resilience;

import org.jspecify.annotations.NullMarked;
