// SPDX-License-Identifier: MIT
namespace Tombolo.Wire;

/// <summary>What is wrong with bytes that a peer sent or wrote.</summary>
public enum WireFault
{
    /// <summary>Nothing.</summary>
    None,
    /// <summary>The input ends before the message does.</summary>
    TooShort,
    /// <summary>A type or operation number that the protocol does not have.</summary>
    UnknownType,
    /// <summary>A field holds a value outside its range.</summary>
    ValueOutOfRange,
    /// <summary>A length says more than its limit.</summary>
    PayloadTooLong,
    /// <summary>Bits are set that must be zero.</summary>
    ReservedBitsSet,
    /// <summary>More or fewer descriptors than the message must carry.</summary>
    WrongFdCount,
    /// <summary>Right in itself, but not at this point of the conversation.</summary>
    OutOfOrder,
    /// <summary>A version that we do not speak.</summary>
    UnknownVersion,
    /// <summary>Text that does not follow its grammar.</summary>
    BadText,
}
