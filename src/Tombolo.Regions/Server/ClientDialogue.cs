// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Regions;

/// <summary>What a client has to be told next, or done with.</summary>
internal enum DialogueStep
{
    /// <summary>Its message is not whole yet.</summary>
    NeedsMore,
    /// <summary>Tell it the version.</summary>
    TellVersion,
    /// <summary>Nothing to say: its name's length was taken.</summary>
    TookLength,
    /// <summary>It asked for <see cref="ClientDialogue.Name"/>: answer, and close.</summary>
    Asked,
    /// <summary>It wants <see cref="ClientDialogue.OwnerOffset"/> of <see cref="ClientDialogue.Name"/>: answer, and hold it for as long as it is there.</summary>
    Owning,
    /// <summary>It said what the protocol does not have; close.</summary>
    Nonsense,
}

/// <summary>What a client says, from the first byte to the region's name.</summary>
/// <remarks>
/// Theory of operation. <code>version --GET PROTOCOL_VER--> length --INFORM REGION_NAME_LEN: 0x%08x--> name --the name--> over</code>
/// <code>                        length --OWNING REGION_NAME_LEN: 0x%08x--> owner --the name, 0x%08x, 0x%08x--> over</code>
/// Bytes may come in any pieces, also several messages at once; none may follow the name. <c>GET REGION: </c> may stand before the name, counted in its length or not. Where the length says
/// no more than those words' first letters, and no region is called so, more is waited for: at the deadline it is a name that there is not.
/// </remarks>
internal sealed class ClientDialogue(Func<string, bool> isRegion)
{
    private enum State { Version, Length, Name, Owner, Over }

    private const int OwnerNumbers = 2 * ClientProtocol.NumberBytes;

    private readonly byte[] _bytes = new byte[OwnerNumbers + ClientProtocol.MaxNameBytes + 1];
    private State _state;
    private int _filled, _nameBytes;

    /// <summary>What it asked for.</summary>
    public string Name { get; private set; } = "";

    /// <summary>The owner word that it wants, from the region's begin.</summary>
    public uint OwnerOffset { get; private set; }

    /// <summary>What the owner word shall hold.</summary>
    public uint OwnedValue { get; private set; }

    /// <summary>Where the next bytes go; never empty while it is not over.</summary>
    public Span<byte> Free => _bytes.AsSpan(_filled, Wanted - _filled);

    /// <summary>Whether the deadline finds a name that cannot be one of ours, rather than a client that stalls.</summary>
    public bool IsAtUnknownName => _state == State.Name && _filled == _nameBytes;

    /// <summary>Takes in bytes that were put into <see cref="Free"/>.</summary>
    public DialogueStep Take(int count)
    {
        _filled += count;
        ReadOnlySpan<byte> said = _bytes.AsSpan(0, _filled);
        switch (_state)
        {
            case State.Version:
                return Expect(said, ClientProtocol.GetVersion, 0, State.Length, DialogueStep.TellVersion);
            case State.Length:
                bool isOwning = said[0] == ClientProtocol.Owning[0];
                DialogueStep step = Expect(said, isOwning ? ClientProtocol.Owning : ClientProtocol.InformLength, ClientProtocol.NumberBytes, isOwning ? State.Owner : State.Name, DialogueStep.TookLength);
                if (step != DialogueStep.TookLength) return step;
                bool isNumber = ClientProtocol.TryNumber(_bytes.AsSpan(ClientProtocol.InformLength.Length, ClientProtocol.NumberBytes), out uint length);
                _nameBytes = (int)length;
                return isNumber && length is > 0 and <= ClientProtocol.MaxNameBytes ? step : DialogueStep.Nonsense;
            case State.Name:
                return TakeName(said);
            case State.Owner:
                return said.Length < _nameBytes + OwnerNumbers ? DialogueStep.NeedsMore : TakeOwner(said);
            default:
                return DialogueStep.Nonsense;
        }
    }

    // As many bytes as the present message still wants, so that no message swallows a part of the next.
    private int Wanted => _state switch
    {
        State.Version => ClientProtocol.GetVersion.Length,
        State.Length => ClientProtocol.InformLength.Length + ClientProtocol.NumberBytes,
        State.Name => _filled < _nameBytes ? _nameBytes : _nameBytes + ClientProtocol.GetRegion.Length,
        State.Owner => _nameBytes + OwnerNumbers,
        _ => _bytes.Length,
    };

    private DialogueStep Expect(ReadOnlySpan<byte> said, ReadOnlySpan<byte> words, int more, State next, DialogueStep step)
    {
        int both = Math.Min(said.Length, words.Length);
        if (!said[..both].SequenceEqual(words[..both])) return DialogueStep.Nonsense;
        if (said.Length < words.Length + more) return DialogueStep.NeedsMore;
        (_state, _filled) = (next, 0);
        return step;
    }

    private DialogueStep TakeName(ReadOnlySpan<byte> said)
    {
        if (said.Length < _nameBytes) return DialogueStep.NeedsMore;
        ReadOnlySpan<byte> words = ClientProtocol.GetRegion;
        int both = Math.Min(said.Length, words.Length);
        bool hasWords = said[..both].SequenceEqual(words[..both]);
        if (said.Length == _nameBytes)
        {
            string plain = Encoding.Latin1.GetString(said), counted = hasWords && said.Length > words.Length ? Encoding.Latin1.GetString(said[words.Length..]) : "";
            if (!hasWords || isRegion(plain)) return Over(plain);
            if (counted.Length > 0 && isRegion(counted)) return Over(counted);
            return DialogueStep.NeedsMore;
        }
        if (!hasWords) return DialogueStep.Nonsense;
        return said.Length < words.Length + _nameBytes ? DialogueStep.NeedsMore : Over(Encoding.Latin1.GetString(said[words.Length..]));
    }

    private DialogueStep TakeOwner(ReadOnlySpan<byte> said)
    {
        bool areNumbers = ClientProtocol.TryNumber(said.Slice(_nameBytes, ClientProtocol.NumberBytes), out uint offset) & ClientProtocol.TryNumber(said[(_nameBytes + ClientProtocol.NumberBytes)..], out uint value);
        (OwnerOffset, OwnedValue) = (offset, value);
        _ = Over(Encoding.Latin1.GetString(said[.._nameBytes]));
        return areNumbers ? DialogueStep.Owning : DialogueStep.Nonsense;
    }

    private DialogueStep Over(string name)
    {
        (Name, _state, _filled) = (name, State.Over, 0);
        return DialogueStep.Asked;
    }
}
