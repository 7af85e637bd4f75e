// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Ivshmem;

/// <summary>An open ivshmem device, whichever way it was opened.</summary>
internal interface IGuestDevice : IDisposable
{
    /// <summary>For messages.</summary>
    string Name { get; }

    PeerId Id { get; }

    Window Window { get; }

    WindowMemoryType MemoryType { get; }

    /// <summary>One eventfd per vector.</summary>
    IReadOnlyList<SafeFd> Vectors { get; }

    /// <summary>Readable, or in error, once <see cref="IsGoing"/>.</summary>
    SafeFd Control { get; }

    /// <summary>Whether the device is gone or wanted back.</summary>
    bool IsGoing();

    /// <summary>Writes the doorbell register. False: the device is gone, or has no doorbells.</summary>
    bool Ring(PeerId peer, ushort vector);
}
