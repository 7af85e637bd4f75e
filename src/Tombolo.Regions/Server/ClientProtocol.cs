// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;

namespace Tombolo.Regions;

/// <summary>The words of the clients' protocol: ASCII, fixed sizes, no terminators. Source: vSoC's ivshmem server, "ad-hoc client protocol".</summary>
internal static class ClientProtocol
{
    public const string NotFound = "0xffffffff";
    public const int NumberBytes = 10;      // 0x and eight digits
    public const int MaxNameBytes = 256;    // no region has so long a name; what claims more is nonsense
    public const byte FdByte = 0;           // what travels with a descriptor; clients throw it away

    public static ReadOnlySpan<byte> GetVersion => "GET PROTOCOL_VER"u8;

    public static ReadOnlySpan<byte> InformLength => "INFORM REGION_NAME_LEN: "u8;

    /// <summary>Ours: instead of the words above, of the same length. Then the name, an owner word's offset and a value; see <see cref="OwnedWord"/>.</summary>
    public static ReadOnlySpan<byte> Owning => "OWNING REGION_NAME_LEN: "u8;

    /// <summary>Answers to who wants an owner word.</summary>
    public const uint Claimed = 0, Busy = 1;

    public static ReadOnlySpan<byte> GetRegion => "GET REGION: "u8;

    public static string VersionOf(ClientDialect dialect) => dialect == ClientDialect.Number ? "0x00000000" : "PROTOCOL_VER 0";

    public static byte[] Number(uint value) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"0x{value:x8}"));

    public static bool TryNumber(ReadOnlySpan<byte> text, out uint value)
    {
        value = 0;
        return text.Length == NumberBytes && text[0] == '0' && text[1] is (byte)'x' or (byte)'X' && uint.TryParse(text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
