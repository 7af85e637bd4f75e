// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;
using Tombolo.Fabric;
using Tombolo.Grants;
using Tombolo.Store;

namespace Tombolo.Cli.Fabrics;

/// <summary>What <c>tombolo grant ls --json</c> prints.</summary>
internal sealed record GrantList(GrantRow[] Grants, PortRow[] Ports);

/// <summary>A grant in JSON.</summary>
internal sealed record GrantRow(int From, uint Reference, int Pages, int To, bool ReadOnly, int Mappings, bool Revoked, string Who);

/// <summary>A port in JSON.</summary>
internal sealed record PortRow(int Domain, uint Port, int Remote, uint? RemotePort, string Who);

/// <summary>A message in JSON: of an offer, once it was taken; of an accept.</summary>
internal sealed record GrantMessageTaken(int Domain, int Bytes, string? Text, string? Base64);

/// <summary>The options that say where grants are handed over, and as which domain.</summary>
internal sealed class GrantChoice
{
    private readonly Option<string?> _grants = new("--grants") { Description = "The grants' socket; by default the fabric's. In a guest or a Xen domain: its devices.", HelpName = "path" };
    private readonly Option<string?> _window = new("-w", "--window") { Description = "Stand in a window that guests share: a window of the fabric or its socket, or in a guest with several the number of its device, such as 0004.", HelpName = "name" };
    private readonly Option<string?> _store = new("--store") { Description = "The store's socket. By default what XENSTORED_PATH or XENSTORED_RUNDIR say, the store of the fabric, or in a guest or a Xen domain its device.", HelpName = "path" };
    private readonly Option<int?> _domain = new("-d", "--domain") { Description = "Which domain to be; by default the one that the fabric says, or that this guest is.", HelpName = "number" };
    private readonly Option<string> _keys = new("-k", "--keys") { Description = "The node above the keys of the offer.", HelpName = "path", DefaultValueFactory = _ => OfferKeys.DefaultPath };
    private readonly FabricChoice _fabric = new();

    /// <summary>Adds the options for the grants' service.</summary>
    public ExampleCommand OnGrants(ExampleCommand command)
    {
        command.Add(_grants);
        command.Add(_domain);
        command.Add(_fabric.Option);
        return command;
    }

    /// <summary>Adds the options for the keys and for windows too.</summary>
    public ExampleCommand OnOffer(ExampleCommand command)
    {
        command.Add(_store);
        command.Add(_keys);
        command.Add(_window);
        return OnGrants(command);
    }

    /// <summary>Adds the options for the keys alone.</summary>
    public ExampleCommand OnKeys(ExampleCommand command)
    {
        command.Add(_store);
        command.Add(_keys);
        command.Add(_fabric.Option);
        return command;
    }

    public OfferKeys KeysOf(ParseResult parsed)
    {
        return new(StoreChoice.Checked(parsed.GetRequiredValue(_keys)));
    }

    public async Task<StoreClient> StoreAsync(ParseResult parsed, CommandContext context, CancellationToken stop)
    {
        StoreClient store = await StoreClient.ConnectAsync(StoreChoice.SocketOf(parsed.GetValue(_store) ?? DevicesOf(parsed)?.Store, parsed, _fabric, context.Environment), stop);
        await store.WantDetailsAsync();
        return store;
    }

    /// <summary>The standing as a domain: of this guest, in a window, or at a service.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="store">The store, which tells a Xen domain its number.</param>
    /// <exception cref="CommandException">There is nothing to stand in, or not as the domain that was asked for.</exception>
    public async Task<IDomain> StandAsync(ParseResult parsed, StoreClient store)
    {
        DomainId? wish = DomainOf(parsed);
        IDomain domain = DevicesOf(parsed) is { } devices ? DeviceDomain.Open(devices)
            : parsed.GetValue(_window) is { } window ? WindowDomain.Connect(WindowSocketOf(window, parsed))
            : IsAlone(parsed) && XenDomain.IsHere ? await XenDomain.OpenAsync(store)
            : GrantClient.Connect(ClientOf(parsed));
        if (wish is null && domain.Id == DomainId.Privileged && !XenDomain.IsHere)
        {
            domain.Dispose();
            throw new CommandException("Domain 0 can neither offer nor accept, since 0 in the keys means nobody; choose another one with --domain", ExitCode.WrongUse);
        }
        if (wish is null || domain.Id == wish) return domain;
        string number = domain.Id.ToString();
        domain.Dispose();
        throw new CommandException($"--domain is {wish}, but the number is given here, and it is {number}", ExitCode.WrongUse);
    }

    public GrantClientOptions ClientOf(ParseResult parsed) => new() { SocketPath = SocketOf(parsed), Domain = DomainOf(parsed) };

    private DomainId? DomainOf(ParseResult parsed) => parsed.GetValue(_domain) switch
    {
        null => null,
        int number and >= 0 and <= DomainId.Highest => new((ushort)number),
        var other => throw new CommandException($"--domain is {other}; it must be 0 to {DomainId.Highest}", ExitCode.WrongUse),
    };

    // Nothing says where, and no fabric runs here: this system's own devices are meant, if it has any.
    private bool IsAlone(ParseResult parsed) => parsed.GetValue(_grants) is null && parsed.GetValue(_window) is null && parsed.GetValue(_fabric.Option) is null && FabricState.List(FabricPaths.DefaultRoot).Count == 0;

    private GrantDevices? DevicesOf(ParseResult parsed) => parsed.GetValue(_window) is { } number && !number.Contains('/', StringComparison.Ordinal) && GrantDevices.At(number) is var named && File.Exists(named.Alloc) ? named
        : IsAlone(parsed) ? GrantDevices.Find() : null;

    private string WindowSocketOf(string window, ParseResult parsed)
    {
        if (window.Contains('/', StringComparison.Ordinal)) return window;
        (FabricPaths paths, FabricDeclaration declaration) = FabricOf(parsed);
        IReadOnlyList<GrantWindowDeclaration> windows = declaration.Grants?.Windows ?? [];
        return windows.FirstOrDefault(one => one.Name == window) is { } found ? paths.SocketOf(found)
            : throw new CommandException($"Fabric {paths.Name} has no window '{Printable.Text(window)}' under 'grants'; it has {string.Join(", ", windows.Select(one => one.Name).DefaultIfEmpty("none"))}");
    }

    private string SocketOf(ParseResult parsed)
    {
        if (parsed.GetValue(_grants) is { } socket) return socket;
        if (IsAlone(parsed) && (DevicesOf(parsed) is not null || XenDomain.IsHere)) throw new CommandException("The devices of this domain list nothing; 'tombolo grant ls' on the host of a guest's window does");
        (FabricPaths paths, FabricDeclaration declaration) = FabricOf(parsed);
        return declaration.Grants is { } grants ? paths.SocketOf(grants) : throw new CommandException($"Fabric {paths.Name} declares no grants; give --grants for another service");
    }

    private (FabricPaths Paths, FabricDeclaration Declaration) FabricOf(ParseResult parsed)
    {
        FabricPaths paths = _fabric.PathsOf(parsed);
        return (paths, FabricState.RecordedDeclaration(paths) ?? throw new CommandException($"What fabric {paths.Name} declares cannot be read in {paths.Folder}"));
    }
}
