// SPDX-License-Identifier: MIT
namespace Tombolo.Ivshmem;

/// <summary>Which numbers newcomers get.</summary>
/// <remarks>
/// QEMU 7.2 keeps a dangling pointer to a peer that it was told has left, and its guest aborts when the same ID joins again.
/// So an ID is either never told to leave (<see cref="Sticky"/>) or never given again while anyone is connected who saw it leave (the other two).
/// </remarks>
public enum IdPolicy
{
    /// <summary>Each newcomer gets the next number; after 65535 it starts again with those that nobody connected remembers. The stock server's way.</summary>
    Growing,
    /// <summary>
    /// Fixed slots, each with eventfds that live as long as the server. Everybody gets every slot's eventfds on joining, and no notice of joins or leaves is ever sent;
    /// a newcomer takes the lowest free slot, so a number, and the doorbells behind it, can be used again.
    /// </summary>
    Sticky,
    /// <summary>Any number that may be given, drawn from a seed. For tests of software that takes IDs for small or consecutive.</summary>
    Random,
}
