// SPDX-License-Identifier: MIT
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Tombolo.Daemon;

/// <summary>The admin interface: HTTP on a UNIX socket in the fabric's state folder, for the user that the daemon runs as, and root.</summary>
internal static class AdminServer
{
    /// <summary>Builds it; nothing listens yet.</summary>
    /// <param name="socketPath">Where to listen. A socket file that is there is replaced: the caller holds the fabric's lock, so nobody alive serves it.</param>
    /// <param name="logs">Where everything is logged.</param>
    /// <param name="map">Adds the endpoints.</param>
    public static WebApplication Build(string socketPath, ILoggerProvider logs, Action<IEndpointRouteBuilder> map)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [], ContentRootPath = "/", EnvironmentName = "Production" });
        _ = builder.Logging.ClearProviders().AddProvider(logs)
            .AddFilter("Microsoft", LogLevel.Warning);   // the framework's chatter is not the operator's
        _ = builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(2));
        _ = builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        File.Delete(socketPath);
        ILogger log = logs.CreateLogger(typeof(AdminServer).FullName!);
        _ = builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 64 << 10;
            kestrel.Limits.MaxConcurrentConnections = 64;
            kestrel.ListenUnixSocket(socketPath, options =>
            {
                options.Protocols = HttpProtocols.Http1;
                SameUserOnly.Install(options, log);
            });
        });
        WebApplication application = builder.Build();
        map(application);
        return application;
    }

    // The usual lifetime takes signals for itself; here they are the daemon's.
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
