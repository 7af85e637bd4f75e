// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>What a driver did that no driver may do. A ring with a fault gives nothing any more; it has to be set up again.</summary>
/// <remarks>Source: virtio 1.1, 2.6 (split) and 2.7 (packed).</remarks>
public enum RingFault
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>The available index says that more buffers wait than the ring has places.</summary>
    IndexJumped,
    /// <summary>A descriptor's number is not below the ring's size.</summary>
    NoSuchDescriptor,
    /// <summary>A chain has more descriptors than the ring, or than we take: a loop.</summary>
    ChainTooLong,
    /// <summary>A descriptor's bytes are not all in memory that the guest gave us.</summary>
    OutsideMemory,
    /// <summary>A descriptor, or a chain, has more bytes than any frame could.</summary>
    TooManyBytes,
    /// <summary>A table of descriptors, although INDIRECT_DESC was not agreed on.</summary>
    IndirectNotAgreed,
    /// <summary>A table of descriptors inside a table of descriptors, or one that goes on outside.</summary>
    IndirectNested,
    /// <summary>A table whose length is no multiple of 16, is 0, or has more descriptors than we take.</summary>
    IndirectLength,
    /// <summary>A descriptor for reading after one for writing.</summary>
    ReadAfterWrite,
    /// <summary>A descriptor for the wrong direction: for reading where a frame is to be put, or none at all.</summary>
    WrongDirection,
    /// <summary>The ring's own memory is not there any more.</summary>
    RingUnmapped,
}
