// SPDX-License-Identifier: MIT
using System.Diagnostics;

namespace Tombolo.Channels;

/// <summary>
/// Stands before every write to shared memory that the protocol's order depends on. In the product the calls are not compiled; the suite that kills at every step builds the same
/// sources with TOMBOLO_STEPS, and ends a party at the Nth of them.
/// </summary>
internal static class Step
{
#if TOMBOLO_STEPS
    [ThreadStatic]
    private static Action<string>? _hook;

    /// <summary>Called before each write on this thread; what it throws leaves shared memory as a killed party leaves it.</summary>
    public static Action<string>? Hook { get => _hook; set => _hook = value; }
#endif

    /// <summary>A write to shared memory follows.</summary>
    /// <param name="what">Which one.</param>
    [Conditional("TOMBOLO_STEPS")]
    public static void Before(string what)
    {
#if TOMBOLO_STEPS
        _hook?.Invoke(what);
#else
        _ = what;
#endif
    }
}
