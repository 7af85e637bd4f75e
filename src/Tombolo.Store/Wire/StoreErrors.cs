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

    /// <summary>An error for a sentence: its name, and what it means.</summary>
    public static string Explain(StoreError error) => error switch
    {
        StoreError.EPERM => "EPERM (a node cannot be given to another owner)",
        StoreError.ENOENT => "ENOENT (there is no such node, transaction or watch)",
        StoreError.EAGAIN => "EAGAIN (another change came in between)",
        StoreError.EACCES => "EACCES (the node's permissions do not allow it)",
        StoreError.EINVAL => "EINVAL (a path, a permission or an argument is not as it must be)",
        StoreError.ENOSPC or StoreError.EQUOTA => $"{error} (a quota, or no room)",
        StoreError.E2BIG => "E2BIG (too long for a message, or a quota)",
        _ => error.ToString(),
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
