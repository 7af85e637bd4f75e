// SPDX-License-Identifier: MIT
using System.Buffers;
using System.Globalization;
using System.Text;

namespace Tombolo.Store;

/// <summary>The grammar of paths. Source: Xen docs/misc/xenstore.txt, xs_wire.h.</summary>
public static class StorePath
{
    /// <summary>The longest absolute path, in bytes. Source: xs_wire.h, XENSTORE_ABS_PATH_MAX.</summary>
    public const int MaxAbsoluteBytes = 3072;
    /// <summary>The longest relative path, in bytes. Source: xs_wire.h, XENSTORE_REL_PATH_MAX.</summary>
    public const int MaxRelativeBytes = 2048;
    /// <summary>Watched here: a domain was made known.</summary>
    public const string IntroduceDomain = "@introduceDomain";
    /// <summary>Watched here: a domain went away.</summary>
    public const string ReleaseDomain = "@releaseDomain";

    private static readonly SearchValues<byte> _allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/_@"u8);

    /// <summary>A domain's home, below which its relative paths are.</summary>
    /// <param name="domain">The domain.</param>
    public static string HomeOf(DomainId domain) => string.Create(CultureInfo.InvariantCulture, $"/local/domain/{domain.Value}");

    /// <summary>Whether a text is an absolute path, as it stands.</summary>
    /// <param name="path">The text.</param>
    public static bool IsAbsolute(string path) => IsAbsolute(Encoding.UTF8.GetBytes(path));

    /// <summary>Whether a text is a path that a request may carry: absolute, or relative to the caller's home.</summary>
    /// <param name="path">The text.</param>
    public static bool IsValid(string path) => path.StartsWith('/') ? IsAbsolute(path) : path.Length is > 0 and <= MaxRelativeBytes && !path.StartsWith('@') && IsAbsolute("/" + path);

    /// <summary>Whether bytes are an absolute path: begins with a slash, has no empty part, does not end in a slash.</summary>
    internal static bool IsAbsolute(ReadOnlySpan<byte> path) =>
        path.Length is > 0 and <= MaxAbsoluteBytes && path[0] == (byte)'/'
        && (path.Length == 1 || (path[^1] != (byte)'/' && path.IndexOf("//"u8) < 0 && !path.ContainsAnyExcept(_allowed)));

    /// <summary>Whether bytes are one of the paths that only watches and permissions know.</summary>
    internal static bool IsSpecial(ReadOnlySpan<byte> path) => path.SequenceEqual("@introduceDomain"u8) || path.SequenceEqual("@releaseDomain"u8);

    /// <summary>Makes a request's path absolute.</summary>
    /// <param name="path">As it came.</param>
    /// <param name="home">The caller's home, absolute.</param>
    /// <param name="buffer">At least <see cref="MaxAbsoluteBytes"/> bytes.</param>
    /// <param name="absolute">The path, in the buffer or the request.</param>
    /// <returns>False where it is none.</returns>
    internal static bool TryResolve(ReadOnlySpan<byte> path, ReadOnlySpan<byte> home, Span<byte> buffer, out ReadOnlySpan<byte> absolute)
    {
        absolute = path;
        if (path.IsEmpty) return false;
        if (path[0] == (byte)'/') return IsAbsolute(path);
        if (path[0] == (byte)'@' || path.Length > MaxRelativeBytes || home.Length + 1 + path.Length > MaxAbsoluteBytes) return false;
        home.CopyTo(buffer);
        buffer[home.Length] = (byte)'/';
        path.CopyTo(buffer[(home.Length + 1)..]);
        absolute = buffer[..(home.Length + 1 + path.Length)];
        return IsAbsolute(absolute);
    }

    /// <summary>Takes the first part off a path that begins with a slash or is empty.</summary>
    internal static ReadOnlySpan<byte> TakePart(ref ReadOnlySpan<byte> rest)
    {
        ReadOnlySpan<byte> from = rest[1..];
        int end = from.IndexOf((byte)'/');
        ReadOnlySpan<byte> part = end < 0 ? from : from[..end];
        rest = end < 0 ? default : from[end..];
        return part;
    }

    /// <summary>The path above; the root's is the root.</summary>
    internal static ReadOnlySpan<byte> Above(ReadOnlySpan<byte> path) => path[..Math.Max(1, path.LastIndexOf((byte)'/'))];
}
