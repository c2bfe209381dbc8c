/** What goes on while the database is away, and how what was kept meanwhile gets into it. */
@NullMarked
package io.ballast.policy.core.outage;

import org.jspecify.annotations.NullMarked;
