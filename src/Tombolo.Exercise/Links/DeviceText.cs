// SPDX-License-Identifier: MIT
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace Tombolo.Exercise;

/// <summary>The text around a message on the guest's character device, and the list of peers beside it.</summary>
/// <remarks>Source: docs/specs/mailbox.md; guest/linux/README.md. Write "<c>dest:bytes</c>", read "<c>CID,SID:bytes</c>".</remarks>
internal static class DeviceText
{
    /// <summary>Bytes of the longest prefix: two 64-bit numbers, a comma and a colon.</summary>
    public const int MaxPrefix = 42;

    /// <summary>Writes "<c>dest:</c>".</summary>
    /// <returns>Its length.</returns>
    public static int WritePrefix(Correspondent to, Span<byte> destination)
    {
        _ = Utf8Formatter.TryFormat(to.Cid, destination, out int length);
        if (to.Sid != 0)
        {
            destination[length++] = (byte)',';
            _ = Utf8Formatter.TryFormat(to.Sid, destination[length..], out int more);
            length += more;
        }
        destination[length++] = (byte)':';
        return length;
    }

    /// <summary>Reads "<c>CID,SID:</c>".</summary>
    /// <param name="text">What one read of the device gave.</param>
    /// <param name="from">Who sent it.</param>
    /// <param name="message">What follows.</param>
    /// <returns>False where it is nothing of the kind.</returns>
    public static bool TryRead(ReadOnlySpan<byte> text, out Correspondent from, out ReadOnlySpan<byte> message)
    {
        from = default;
        message = default;
        if (!Utf8Parser.TryParse(text, out ulong cid, out int used) || used >= text.Length || text[used] != ',') return false;
        text = text[(used + 1)..];
        if (!Utf8Parser.TryParse(text, out ulong sid, out used) || used >= text.Length || text[used] != ':') return false;
        from = new(cid, sid);
        message = text[(used + 1)..];
        return true;
    }

    /// <summary>Reads the driver's list of peers: a line each, "<c>ID name CID,SID attributes</c>", with "-" for none.</summary>
    public static IReadOnlyList<Neighbour> ReadPeers(string text, int ownId, int serverId)
    {
        var peers = new List<Neighbour>();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ', 4);
            if (words.Length < 3 || !int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int id) || id == ownId) continue;
            bool hasAddress = TryRead(Encoding.ASCII.GetBytes(words[2] + ":"), out Correspondent address, out _) && address.Sid != 0;
            peers.Add(new(hasAddress ? address : new((ulong)id, 0), id, words[1] == "-" ? "" : words[1], id == serverId));
        }
        return peers;
    }
}
