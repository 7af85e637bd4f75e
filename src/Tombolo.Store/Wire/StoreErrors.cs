// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>The names of errors, as they travel.</summary>
internal static class StoreErrors
{
    /// <summary>The name without its closing zero.</summary>
    public static ReadOnlySpan<byte> NameOf(StoreError error) => error switch
    {
        StoreError.EPERM => "EPERM"u8,
        StoreError.ENOENT => "ENOENT"u8,
        StoreError.EAGAIN => "EAGAIN"u8,
        StoreError.ENOMEM => "ENOMEM"u8,
        StoreError.EACCES => "EACCES"u8,
        StoreError.EBUSY => "EBUSY"u8,
        StoreError.EEXIST => "EEXIST"u8,
        StoreError.ENOSPC => "ENOSPC"u8,
        StoreError.E2BIG => "E2BIG"u8,
        StoreError.ENOSYS => "ENOSYS"u8,
        StoreError.EIO => "EIO"u8,
        StoreError.EISCONN => "EISCONN"u8,
        StoreError.EQUOTA => "EQUOTA"u8,
        _ => "EINVAL"u8,
    };

    /// <summary>Reads an error's payload: a name, a zero, and from a server of ours a sentence.</summary>
    public static StoreError Parse(ReadOnlySpan<byte> payload, out string detail)
    {
        int end = payload.IndexOf((byte)0);
        ReadOnlySpan<byte> name = end < 0 ? payload : payload[..end];
        detail = end < 0 ? "" : StoreText.ToText(payload[(end + 1)..].TrimEnd((byte)0));
        foreach (StoreError error in Enum.GetValues<StoreError>())
            if (error is not (StoreError.None or StoreError.Unknown) && NameOf(error).SequenceEqual(name)) return error;
        return StoreError.Unknown;
    }
}
