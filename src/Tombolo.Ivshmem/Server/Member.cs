// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>Somebody who can be rung: a client, a sticky slot (occupied or not), or the server's own part.</summary>
internal sealed class Member(int slot, PeerId id, SafeFd[] events)
{
    /// <summary>The row in the ledger.</summary>
    public int Slot { get; } = slot;
    public PeerId Id { get; } = id;
    /// <summary>The eventfds on which it hears, by vector.</summary>
    public SafeFd[] Events { get; } = events;
    /// <summary>False once it left: notices of its joining that still wait are skipped.</summary>
    public bool IsPresent { get; set; } = true;
    /// <summary>How many clients have yet to be told that it left; its row is free at 0.</summary>
    public int LeavesToTell { get; set; }
    /// <summary>Its connection, or null (an empty sticky slot, the resident).</summary>
    public Session? Session { get; set; }

    public void CloseEvents()
    {
        foreach (SafeFd fd in Events) fd.Dispose();
    }
}
