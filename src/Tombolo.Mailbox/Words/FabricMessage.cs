// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;

namespace Tombolo.Mailbox;

/// <summary>One message of the fabric's own conversation, understood. Everything else that travels is data, and none of our business.</summary>
/// <remarks>
/// Source: FAME-Z link messages (docs/specs/mailbox.md, "Words"). Text, case-sensitive, white space and NULs at the end do not count.
/// A tracker <c>!FZT=&lt;n&gt;</c> may end it; the reply carries n + 1. Immutable.
/// </remarks>
/// <param name="Word">What it is.</param>
public sealed record FabricMessage(FabricWord Word)
{
    private const string QueryText = "Link CTL Peer-Attribute", AttributesText = "Link CTL ACK ", RefusalText = "Link CTL NAK", RequestText = "Link RFC ";
    private const string AssignmentText = "CTL-Write ", AcknowledgmentText = "Standalone Acknowledgment ", TrackerText = "!FZT=";

    /// <summary>The longest text looked at: a fabric message is a line, whatever a slot may hold.</summary>
    public const int MaxBytes = 1024;

    /// <summary>The number of the tracker, or null.</summary>
    public ulong? Tracker { get; init; }

    /// <summary>The words' pairs, in their order: of attributes, an assignment or an acknowledgment.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Pairs { get; init; } = [];

    /// <summary>Of a refusal: its reason. Of a malformed message: what is wrong.</summary>
    public string Reason { get; init; } = "";

    /// <summary>The address in an assignment (SID, CID) or in attributes (SID0, CID0); default where there is none.</summary>
    public SidCid Address => Word == FabricWord.Assignment ? new(NumberOf("SID"), NumberOf("CID")) : new(NumberOf("SID0"), NumberOf("CID0"));

    /// <summary>The tag that ties an acknowledgment to its assignment.</summary>
    public ulong Tag => NumberOf("Tag");

    /// <summary>Time to configuration in microseconds, of a request for it.</summary>
    public ulong TimeToConfiguration { get; init; }

    /// <summary><c>ping</c>.</summary>
    public static FabricMessage Ping { get; } = new(FabricWord.Ping);

    /// <summary><c>pong</c>.</summary>
    public static FabricMessage Pong { get; } = new(FabricWord.Pong);

    /// <summary><c>Link CTL Peer-Attribute</c>.</summary>
    public static FabricMessage AttributeQuery { get; } = new(FabricWord.AttributeQuery);

    /// <summary>What a peer says about itself.</summary>
    /// <param name="classText">C-Class: what kind of component it is; no comma.</param>
    /// <param name="address">Its address.</param>
    public static FabricMessage AttributesOf(string classText, SidCid address) =>
        new(FabricWord.Attributes) { Pairs = [new("C-Class", classText), Pair("SID0", address.Sid), Pair("CID0", address.Cid)] };

    /// <summary>A refusal.</summary>
    /// <param name="reason">Why, on one line.</param>
    public static FabricMessage RefusalFor(string reason) => new(FabricWord.Refusal) { Reason = reason };

    /// <summary>A client's request for configuration.</summary>
    /// <param name="microseconds">Within what time.</param>
    public static FabricMessage RequestWithin(ulong microseconds) => new(FabricWord.RequestForConfiguration) { TimeToConfiguration = microseconds };

    /// <summary>The manager's write of an address into a client's control space.</summary>
    /// <param name="manager">The primary fabric manager's own address.</param>
    /// <param name="address">What the client is given.</param>
    /// <param name="tag">Comes back in the acknowledgment.</param>
    public static FabricMessage Assign(SidCid manager, SidCid address, ulong tag) => new(FabricWord.Assignment)
    {
        Pairs = [Pair("Space", 0), Pair("PFMSID", manager.Sid), Pair("PFMCID", manager.Cid), Pair("SID", address.Sid), Pair("CID", address.Cid), Pair("Tag", tag)],
    };

    /// <summary>A client's answer to an assignment.</summary>
    /// <param name="tag">The assignment's.</param>
    /// <param name="reason">"OK", or why not; no comma.</param>
    public static FabricMessage Acknowledge(ulong tag, string reason = "OK") => new(FabricWord.Acknowledgment) { Pairs = [Pair("Tag", tag), new("Reason", reason)] };

    /// <summary>This message as the answer to another one: with the next tracker, if that one had any.</summary>
    /// <param name="question">What is answered.</param>
    public FabricMessage InReplyTo(FabricMessage question) => question.Tracker is { } n and < ulong.MaxValue ? this with { Tracker = n + 1 } : this;

    /// <summary>A pair's value.</summary>
    /// <param name="key">Its key, case-sensitive.</param>
    /// <returns>The value; null where there is no such pair.</returns>
    public string? ValueOf(string key)
    {
        foreach (KeyValuePair<string, string> pair in Pairs) if (pair.Key == key) return pair.Value;
        return null;
    }

    /// <summary>Understands a message.</summary>
    /// <param name="bytes">A private copy of what came.</param>
    /// <returns>The message; null where it is data.</returns>
    public static FabricMessage? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty || bytes.Length > MaxBytes || bytes[0] is not ((byte)'p' or (byte)'L' or (byte)'C' or (byte)'S')) return null;   // data, as nearly always: no copy is made
        ReadOnlySpan<char> text = Encoding.Latin1.GetString(bytes).AsSpan().TrimEnd("\0 \t\r\n");
        ulong? tracker = TakeTracker(ref text);
        return ParseWords(text) is { } message ? message with { Tracker = tracker } : null;
    }

    /// <summary>The text that travels.</summary>
    public override string ToString()
    {
        string text = Word switch
        {
            FabricWord.Ping => "ping",
            FabricWord.Pong => "pong",
            FabricWord.AttributeQuery => QueryText,
            FabricWord.Attributes => AttributesText + PairsText,
            FabricWord.Refusal => Reason.Length == 0 ? RefusalText : $"{RefusalText} {Reason}",
            FabricWord.RequestForConfiguration => string.Create(CultureInfo.InvariantCulture, $"{RequestText}TTC={TimeToConfiguration}us"),
            FabricWord.Assignment => AssignmentText + PairsText,
            FabricWord.Acknowledgment => AcknowledgmentText + PairsText,
            _ => throw new InvalidOperationException($"A malformed message ({Reason}) is never sent."),
        };
        return Tracker is { } n ? string.Create(CultureInfo.InvariantCulture, $"{text}{TrackerText}{n}") : text;
    }

    /// <summary>The bytes that travel.</summary>
    public byte[] ToBytes() => Encoding.Latin1.GetBytes(ToString());

    private string PairsText => string.Join(',', Pairs.Select(static pair => $"{pair.Key}={pair.Value}"));

    private ulong NumberOf(string key) => TryNumber(ValueOf(key), out ulong value) ? value : 0;

    private static KeyValuePair<string, string> Pair(string key, ulong value) => new(key, value.ToString(CultureInfo.InvariantCulture));

    private static bool TryNumber(ReadOnlySpan<char> text, out ulong value) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    // What looks like a tracker but has no number, or one with no successor, stays part of the text.
    private static ulong? TakeTracker(ref ReadOnlySpan<char> text)
    {
        int digits = text.LastIndexOfAnyExceptInRange('0', '9') + 1;
        if (digits < TrackerText.Length || !text[..digits].EndsWith(TrackerText, StringComparison.Ordinal) || !TryNumber(text[digits..], out ulong n) || n == ulong.MaxValue) return null;
        text = text[..(digits - TrackerText.Length)].TrimEnd("\0 \t\r\n");
        return n;
    }

    private static FabricMessage? ParseWords(ReadOnlySpan<char> text)
    {
        if (text is "ping") return Ping;
        if (text is "pong") return Pong;
        if (text is QueryText) return AttributeQuery;
        if (text is RefusalText) return new(FabricWord.Refusal);
        if (Rest(text, AttributesText, out ReadOnlySpan<char> rest)) return new(FabricWord.Attributes) { Pairs = ReadPairs(rest) };
        if (Rest(text, RefusalText + " ", out rest)) return new(FabricWord.Refusal) { Reason = rest.ToString() };
        if (Rest(text, RequestText, out rest)) return ParseRequest(rest);
        if (Rest(text, AssignmentText, out rest)) return ParseAssignment(ReadPairs(rest));
        return Rest(text, AcknowledgmentText, out rest) ? ParseAcknowledgment(ReadPairs(rest)) : null;
    }

    private static FabricMessage ParseRequest(ReadOnlySpan<char> rest)
    {
        if (!Rest(rest, "TTC=", out ReadOnlySpan<char> time)) return Malformed("Link RFC has no TTC=");
        return time.EndsWith("us", StringComparison.Ordinal) && TryNumber(time[..^2], out ulong value)
            ? RequestWithin(value)
            : Malformed("TTC is not a number of microseconds (us)");
    }

    private static FabricMessage? ParseAssignment(IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        var message = new FabricMessage(FabricWord.Assignment) { Pairs = pairs };
        if (TryNumber(message.ValueOf("Space"), out ulong space) && space != 0) return null;   // another space is not the fabric's business
        foreach (string key in (ReadOnlySpan<string>)["Space", "SID", "CID", "Tag"])
            if (!TryNumber(message.ValueOf(key), out _)) return Malformed($"CTL-Write has no number {key}=");
        return message;
    }

    private static FabricMessage ParseAcknowledgment(IReadOnlyList<KeyValuePair<string, string>> pairs)
    {
        var message = new FabricMessage(FabricWord.Acknowledgment) { Pairs = pairs };
        return TryNumber(message.ValueOf("Tag"), out _) ? message : Malformed("Standalone Acknowledgment has no number Tag=");
    }

    private static FabricMessage Malformed(string reason) => new(FabricWord.Malformed) { Reason = reason };

    private static List<KeyValuePair<string, string>> ReadPairs(ReadOnlySpan<char> text)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (Range part in text.Split(','))
        {
            ReadOnlySpan<char> pair = text[part];
            int equals = pair.IndexOf('=');
            if (equals > 0) pairs.Add(new(pair[..equals].ToString(), pair[(equals + 1)..].ToString()));
        }
        return pairs;
    }

    private static bool Rest(ReadOnlySpan<char> text, string prefix, out ReadOnlySpan<char> rest)
    {
        bool starts = text.StartsWith(prefix, StringComparison.Ordinal);
        rest = starts ? text[prefix.Length..] : default;
        return starts;
    }
}
