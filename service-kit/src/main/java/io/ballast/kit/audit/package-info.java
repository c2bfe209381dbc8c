/** What was done for good, as a chain of hashes that anyone can verify. */
@NullMarked
package io.ballast.kit.audit;

import org.jspecify.annotations.NullMarked;
