// SPDX-License-Identifier: MIT
namespace Tombolo.Regions;

/// <summary>Whose sleepers a signal wakes.</summary>
[Flags]
public enum SignalSides
{
    /// <summary>Nobody's.</summary>
    None = 0,
    /// <summary>Those of this host: every process that sleeps there.</summary>
    Host = 1,
    /// <summary>Those of the guest.</summary>
    Guest = 2,
    /// <summary>Everybody's.</summary>
    Both = 3,
}
